//! The minimal cost of a call between agents: an echo of 1 KiB on loopback, over raw iroh and over our links.

#![allow(clippy::unwrap_used, reason = "a bench stops at the first error")]

use std::sync::Arc;
use std::time::Duration;

use coworker_net::{DialHints, Link, Network, Options};
use criterion::{Criterion, Throughput};
use iroh::endpoint::{Connection, PortmapperConfig, RecvStream, SendStream, presets};
use iroh::{Endpoint, EndpointAddr, RelayMode};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const ALPN: &[u8] = b"coworker-bench/echo";
const SIZE: usize = 1024;
const IN_FLIGHT: usize = 64;
/// Echoes per measured step if many are in flight.
const BATCH: usize = 512;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(40)
        .without_plots()
        .configure_from_args();
    let runtime = Runtime::new().unwrap();
    raw(&mut criterion, &runtime);
    links(&mut criterion, &runtime);
    criterion.final_summary();
}

fn raw(criterion: &mut Criterion, runtime: &Runtime) {
    let pair = runtime.block_on(Pair::connect());
    let mut group = criterion.benchmark_group("iroh");
    group.bench_function("stream", |bencher| {
        bencher.to_async(runtime).iter(|| on_new_stream(&pair.connection));
    });
    let (mut send, mut receive) = runtime.block_on(pair.connection.open_bi()).unwrap();
    group.bench_function("ordered", |bencher| {
        // Sequential, because each echo borrows the streams.
        bencher.iter(|| runtime.block_on(on_stream(&mut send, &mut receive)));
    });
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("stream_64", |bencher| {
        bencher.to_async(runtime).iter(|| on_new_streams(&pair.connection));
    });
    group.bench_function("ordered_64", |bencher| {
        bencher.iter(|| runtime.block_on(in_a_row(&mut send, &mut receive)));
    });
    group.finish();
    runtime.block_on(pair.close());
}

fn links(criterion: &mut Criterion, runtime: &Runtime) {
    let (near, far, mut link) = runtime.block_on(linked());
    let mut group = criterion.benchmark_group("link");
    group.bench_function("echo", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                link.sender.send(vec![7; SIZE]).unwrap();
                link.receiver.recv(SIZE).await.unwrap().unwrap()
            })
        });
    });
    group.finish();
    runtime.block_on(async { tokio::join!(near.close(), far.close()) });
}

/// Two iroh endpoints with the settings of our network.
struct Pair {
    near: Endpoint,
    far: Endpoint,
    connection: Connection,
}

impl Pair {
    async fn connect() -> Self {
        let (near, far) = (endpoint().await, endpoint().await);
        let mut target = EndpointAddr::new(far.id());
        for socket in far.bound_sockets() {
            target = target.with_ip_addr(socket);
        }
        tokio::spawn(answer(far.clone()));
        let connection = near.connect(target, ALPN).await.unwrap();
        Self { near, far, connection }
    }

    async fn close(self) {
        self.connection.close(0_u32.into(), b"done");
        tokio::join!(self.near.close(), self.far.close());
    }
}

async fn endpoint() -> Endpoint {
    Endpoint::builder(presets::Minimal)
        .alpns(vec![ALPN.to_vec()])
        .relay_mode(RelayMode::Disabled)
        .portmapper_config(PortmapperConfig::Disabled)
        .clear_ip_transports()
        .bind_addr("127.0.0.1:0")
        .unwrap()
        .bind()
        .await
        .unwrap()
}

/// Echoes the bytes of every stream of every connection.
async fn answer(endpoint: Endpoint) {
    while let Some(incoming) = endpoint.accept().await {
        let connection = incoming.await.unwrap();
        tokio::spawn(async move {
            while let Ok((send, receive)) = connection.accept_bi().await {
                tokio::spawn(send_back(send, receive));
            }
        });
    }
}

async fn send_back(mut send: SendStream, mut receive: RecvStream) {
    while let Ok(Some(bytes)) = receive.read_chunk(64 * SIZE).await {
        if send.write_chunk(bytes).await.is_err() {
            return;
        }
    }
    // An error means that the connection is gone and the bench has ended.
    drop(send.finish());
}

async fn on_new_stream(connection: &Connection) -> Vec<u8> {
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    send.write_all(&[7; SIZE]).await.unwrap();
    send.finish().unwrap();
    let back = receive.read_to_end(SIZE).await.unwrap();
    assert_eq!(back.len(), SIZE);
    back
}

async fn on_stream(send: &mut SendStream, receive: &mut RecvStream) -> [u8; SIZE] {
    let mut back = [0; SIZE];
    send.write_all(&[7; SIZE]).await.unwrap();
    receive.read_exact(&mut back).await.unwrap();
    back
}

async fn on_new_streams(connection: &Connection) {
    let mut workers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let connection = connection.clone();
        workers.spawn(async move {
            for _ in 0..BATCH / IN_FLIGHT {
                on_new_stream(&connection).await;
            }
        });
    }
    workers.join_all().await;
}

async fn in_a_row(send: &mut SendStream, receive: &mut RecvStream) {
    let window = Arc::new(Semaphore::new(IN_FLIGHT));
    let write = async {
        for _ in 0..BATCH {
            window.acquire().await.unwrap().forget();
            send.write_all(&[7; SIZE]).await.unwrap();
        }
    };
    let read = async {
        let mut back = [0; SIZE];
        for _ in 0..BATCH {
            receive.read_exact(&mut back).await.unwrap();
            window.add_permits(1);
        }
    };
    tokio::join!(write, read);
}

/// Two of our networks, and the near end of a link whose far end echoes frames.
async fn linked() -> (Network, Network, Link) {
    let options = || Options { bind: Some(([127, 0, 0, 1], 0).into()), ..Options::default() };
    let near = Network::iroh([1; 32], options()).await.unwrap();
    let far = Network::iroh([2; 32], options()).await.unwrap();
    let hints = DialHints { addresses: far.addresses(), relay: None };
    let answering = far.clone();
    tokio::spawn(async move {
        let mut link = answering.accept().await.unwrap();
        while let Ok(Some(frame)) = link.receiver.recv(SIZE).await {
            if link.sender.send(frame).is_err() {
                return;
            }
        }
    });
    let link = near.dial(far.peer_id(), &hints, Duration::from_secs(5)).await.unwrap();
    (near, far, link)
}
