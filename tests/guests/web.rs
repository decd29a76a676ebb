//! A web server on loopback whose paths select its behaviour, and a scripted resolver.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use coworker_sandbox::{Resolve, ResolveFuture};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

pub(crate) struct Web {
    pub(crate) port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: AtomicUsize,
    open: AtomicUsize,
    most: AtomicUsize,
}

impl Web {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let web = Self { port: listener.local_addr().unwrap().port(), seen: Arc::default() };
        let seen = Arc::clone(&web.seen);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&seen)));
            }
        });
        web
    }

    /// A TLS server with a certificate for `web.test`.
    pub(crate) async fn start_tls() -> Self {
        let certificate = include_bytes!("tls/server.der").to_vec().into();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(include_bytes!("tls/server.key").to_vec());
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(ring).with_safe_default_protocol_versions();
        let config = config.unwrap().with_no_client_auth().with_single_cert(vec![certificate], key.into());
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config.unwrap()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let web = Self { port: listener.local_addr().unwrap().port(), seen: Arc::default() };
        let seen = Arc::clone(&web.seen);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    if let Ok(socket) = acceptor.accept(socket).await {
                        serve(socket, seen).await;
                    }
                });
            }
        });
        web
    }

    /// Requests that reached the server.
    pub(crate) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    /// The largest number of connections at the same time.
    pub(crate) fn most(&self) -> usize {
        self.seen.most.load(Ordering::SeqCst)
    }

    /// Waits until no connection is open.
    pub(crate) async fn until_left(&self) {
        while self.seen.open.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub(crate) async fn until_asked(&self) {
        while self.requests() == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn serve(mut socket: impl AsyncRead + AsyncWrite + Unpin, seen: Arc<Seen>) {
    let open = seen.open.fetch_add(1, Ordering::SeqCst) + 1;
    seen.most.fetch_max(open, Ordering::SeqCst);
    let _ = answer(&mut socket, &seen).await;
    seen.open.fetch_sub(1, Ordering::SeqCst);
}

async fn answer(socket: &mut (impl AsyncRead + AsyncWrite + Unpin), seen: &Seen) -> io::Result<()> {
    let head = head(socket).await?;
    seen.requests.fetch_add(1, Ordering::SeqCst);
    let path = head.split(' ').nth(1).unwrap_or_default();
    match path.split_once('?').unwrap_or((path, "")) {
        ("/ok", _) => body(socket, "hello").await,
        ("/echo", _) => body(socket, &head).await,
        ("/to", place) => {
            let text = format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n");
            socket.write_all(text.as_bytes()).await
        }
        ("/endless", _) => {
            socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                socket.write_all(&[b'.'; 8192]).await?;
            }
        }
        // Never answers; waits for the client to close the connection.
        ("/silent", _) => socket.read_u8().await.map(drop),
        ("/stuck", _) => {
            socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour").await?;
            socket.read_u8().await.map(drop)
        }
        ("/headers", count) => {
            let count: usize = count.parse().unwrap();
            let many = (0..count).map(|n| format!("x-{n}: y\r\n")).collect::<Vec<_>>().concat();
            socket.write_all(format!("HTTP/1.1 200 OK\r\n{many}\r\n").as_bytes()).await
        }
        ("/header", size) => {
            let large = "y".repeat(size.parse().unwrap());
            socket.write_all(format!("HTTP/1.1 200 OK\r\nx: {large}\r\n\r\n").as_bytes()).await
        }
        ("/take", _) => loop {
            let mut taken = [0; 8192];
            if socket.read(&mut taken).await? == 0 {
                return Ok(());
            }
        },
        _ => socket.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await,
    }
}

async fn head(socket: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

async fn body(socket: &mut (impl AsyncWrite + Unpin), text: &str) -> io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", text.len());
    socket.write_all((head + text).as_bytes()).await
}

/// A scripted resolver: each name has a list of answers, of which the last is repeated.
#[derive(Default)]
pub(crate) struct Names {
    answers: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    lookups: AtomicUsize,
}

impl Names {
    /// Each answer is a list of addresses, separated by spaces.
    pub(crate) fn of(names: &[(&str, &[&str])]) -> Arc<Self> {
        let addresses = |text: &&str| text.split(' ').map(|address| address.parse().unwrap()).collect();
        let answers =
            names.iter().map(|(name, answers)| ((*name).to_owned(), answers.iter().map(addresses).collect()));
        Arc::new(Self { answers: Mutex::new(answers.collect()), lookups: AtomicUsize::new(0) })
    }

    pub(crate) fn lookups(&self) -> usize {
        self.lookups.load(Ordering::SeqCst)
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> ResolveFuture<'a> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let mut names = self.answers.lock().unwrap();
        let answer = names
            .get_mut(host)
            .map(|answers| if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() });
        Box::pin(async move { answer.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }
}
