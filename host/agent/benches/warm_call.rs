//! Calls between two agents on loopback whose session stands: real iroh, MLS, `SQLite` and sandbox.

#![allow(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

#[allow(dead_code, unused_imports, unused_macros, reason = "the tests need more of it")]
#[path = "../../../tests/guests/harness.rs"]
mod harness;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use coworker_agent::ops::Run as _;
use coworker_agent::{Agent, Config, Home, NetworkConfig};
use coworker_api::ops::{Call, Connect, Invitation, Ping, SkillAdd, SkillLook, SkillRun, TrustSet};
use coworker_policy::Tier;
use criterion::{Criterion, Throughput};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// The tier of the calling agent: it lets 8 calls of one caller run at a time, and begin without a limit.
const TIER: Tier = Tier::Privileged;
const IN_FLIGHT: usize = 64;
/// Calls per measured step where many are in flight.
const BATCH: usize = 256;
/// Bytes of JSON in, and the same out.
const SIZE: usize = 1024;
const TIMEOUT: f64 = 30.0;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5))
        .sample_size(20)
        .without_plots()
        .configure_from_args();
    let runtime = Runtime::new().unwrap();
    // Not in /tmp, which may be memory: durable data must reach a disk.
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    disk(&mut criterion, dir.path());
    let pair = runtime.block_on(Pair::connect(dir.path()));
    warm(&mut criterion, &runtime, &pair);
    runtime.block_on(pair.close());
    criterion.final_summary();
}

/// The least cost of one commit: one more page in a file, and its way to the disk.
fn disk(criterion: &mut Criterion, dir: &Path) {
    let mut file = File::create(dir.join("pages")).unwrap();
    let mut group = criterion.benchmark_group("disk");
    group.bench_function("sync", |bencher| {
        bencher.iter(|| {
            file.write_all(&[7; 4096]).unwrap();
            file.sync_data().unwrap();
        });
    });
    group.finish();
}

fn warm(criterion: &mut Criterion, runtime: &Runtime, pair: &Pair) {
    let echo = || pair.call("guest", echo_input());
    let mut group = criterion.benchmark_group("agents");
    group.bench_function("ping", |bencher| bencher.to_async(runtime).iter(|| pair.ping()));
    group.bench_function("call", |bencher| bencher.to_async(runtime).iter(echo));
    group.bench_function("about", |bencher| {
        bencher.to_async(runtime).iter(|| pair.call("about", "{}".to_owned()));
    });
    group.bench_function("here", |bencher| bencher.to_async(runtime).iter(|| pair.run_here()));
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("call_64", |bencher| bencher.to_async(runtime).iter(|| pair.many()));
    group.finish();
}

/// A JSON text of `SIZE` bytes.
fn echo_input() -> String {
    format!("\"{}\"", "x".repeat(SIZE - 2))
}

/// Two agents that serve, the calling one trusted by the other.
struct Pair {
    calling: Agent,
    serving: Agent,
    /// The serving agent's id.
    peer: String,
}

impl Pair {
    async fn connect(dir: &Path) -> Self {
        let calling = agent(dir.join("ada"), "ada").await;
        let serving = agent(dir.join("bob"), "bob").await;
        let echo = dir.join("echo.wasm");
        std::fs::write(&echo, harness::component(include_str!("../../../tests/guests/echo.wat"))).unwrap();
        let about = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../example-skills/built/about.wasm");
        for path in [echo, about] {
            let agreed = SkillLook { path: path.clone() }.run(&serving).await.unwrap().digest;
            SkillAdd { path, agreed, expose: Some(TIER) }.run(&serving).await.unwrap();
        }
        let code = Invitation { with_addresses: true, grant: None }.run(&serving).await.unwrap().code;
        let connected = Connect { code, at: Vec::new(), timeout: TIMEOUT }.run(&calling).await.unwrap();
        let ada = calling.peer_id().to_string();
        TrustSet::standing(ada, TIER).run(&serving).await.unwrap();
        Self { calling, serving, peer: connected.peer.to_string() }
    }

    async fn ping(&self) {
        Ping { peer: self.peer.clone(), timeout: TIMEOUT }.run(&self.calling).await.unwrap();
    }

    async fn call(&self, skill: &str, input: String) {
        let call =
            Call { peer: self.peer.clone(), skill: skill.to_owned(), input, version: None, timeout: TIMEOUT };
        call.run(&self.calling).await.unwrap();
    }

    /// The same skill through the same gates, run by its owner: a call without the network.
    async fn run_here(&self) {
        let run = SkillRun { name: "guest".to_owned(), input: echo_input(), tier: Some(TIER) };
        run.run(&self.serving).await.unwrap();
    }

    async fn many(&self) {
        let mut workers = JoinSet::new();
        for _ in 0..IN_FLIGHT {
            let (calling, peer) = (self.calling.clone(), self.peer.clone());
            workers.spawn(async move {
                for _ in 0..BATCH / IN_FLIGHT {
                    let (peer, skill) = (peer.clone(), "guest".to_owned());
                    let call = Call { peer, skill, input: echo_input(), version: None, timeout: TIMEOUT };
                    call.run(&calling).await.unwrap();
                }
            });
        }
        workers.join_all().await;
    }

    async fn close(self) {
        tokio::join!(self.calling.close(), self.serving.close());
    }
}

/// A new agent that listens on loopback only.
async fn agent(dir: PathBuf, name: &str) -> Agent {
    let home = Home::new(dir);
    let bind = Some(([127, 0, 0, 1], 0).into());
    let network = NetworkConfig { bind, ..NetworkConfig::default() };
    home.initialise(&Config::new(name.parse().unwrap(), network)).unwrap();
    let agent = Agent::open(home, Duration::ZERO).await.unwrap();
    agent.serve().await.unwrap();
    agent
}
