//! Agents over real sockets and a relay in this process, all on loopback.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use coworker_agent::ops::Run as _;
use coworker_agent::relay::{DEFAULT_CLIENTS, DEFAULT_RATE, Relay, RelayOptions};
use coworker_agent::{Agent, Config, Home, NetworkConfig};
use coworker_api::ops::Mode;
use coworker_api::ops::{PeerInfo, Peers, Ping, Reached, TrustRemove, Way};
use coworker_policy::{PeerId, Tier};
use data_encoding::HEXLOWER;
use tempfile::TempDir;

use crate::harness::{BOUND, SECONDS, connect, identity, set_tier, until};

/// Agents that reach each other through one relay and, if they are told, directly.
struct World {
    url: String,
    dir: TempDir,
    _relay: Relay,
}

impl World {
    async fn new() -> Self {
        let rate = NonZeroU32::new(DEFAULT_RATE).unwrap();
        let bind = loopback();
        let options = RelayOptions { bind, tls: None, allow: None, rate, clients: DEFAULT_CLIENTS };
        let relay = Relay::start(options).await.unwrap();
        Self { url: relay.url("127.0.0.1"), dir: TempDir::new().unwrap(), _relay: relay }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn home(&self, name: &str) -> Home {
        let home = Home::new(self.path(name));
        if !home.is_initialised() {
            std::fs::create_dir(home.dir()).unwrap();
            std::fs::write(home.dir().join("identity.key"), HEXLOWER.encode(identity(name).seed())).unwrap();
            let network = NetworkConfig {
                mode: Mode::Public,
                relays: vec![self.url.clone()],
                bind: Some(loopback()),
                ..NetworkConfig::default()
            };
            home.initialise(&Config::new(name.parse().unwrap(), network)).unwrap();
        }
        home
    }

    async fn serve(&self, name: &str) -> Agent {
        let agent = Agent::open(self.home(name), BOUND).await.unwrap();
        agent.serve().await.unwrap();
        agent
    }

    /// The direct cards of peers that `name` keeps.
    fn kept(&self, name: &str) -> Vec<PeerId> {
        let mut store = coworker_store::Store::open(&self.path(name).join("agent.db")).unwrap();
        store.begin().unwrap().all_direct().unwrap().into_iter().map(|row| row.peer).collect()
    }
}

fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

async fn info(agent: &Agent, peer: PeerId) -> Option<PeerInfo> {
    Peers {}.run(agent).await.unwrap().into_iter().find(|info| info.peer == peer)
}

async fn reached(agent: &Agent, peer: PeerId) -> Option<Reached> {
    info(agent, peer).await?.reached
}

async fn ping(agent: &Agent, peer: PeerId) {
    Ping { peer: peer.to_string(), timeout: SECONDS }.run(agent).await.unwrap();
}

async fn until_direct(one: &Agent, two: &Agent) {
    for (from, to) in [(one, two), (two, one)] {
        until("the session is at the direct door, host to host", async || {
            reached(from, to.peer_id()).await.is_some_and(|now| now.direct_door && now.way == Way::Direct)
        })
        .await;
    }
}

/// Ada connected to Bob, and Bob trusts her.
async fn acquainted(world: &World) -> (Agent, Agent) {
    let (ada, bob) = (world.serve("ada").await, world.serve("bob").await);
    connect(&ada, &bob).await;
    set_tier(&bob, ada.peer_id(), Tier::Known).await;
    until_direct(&ada, &bob).await;
    (ada, bob)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_accepted_each_other_meet_at_the_relay_and_end_on_a_direct_link() {
    let world = World::new().await;
    let (ada, bob) = (world.serve("ada").await, world.serve("bob").await);
    connect(&ada, &bob).await;
    let first = reached(&ada, bob.peer_id()).await.unwrap();
    assert_eq!((first.way, first.direct_door), (Way::Relay, false), "{first:?}");
    assert_eq!(first.to.trim_end_matches('/'), world.url);
    let session = info(&ada, bob.peer_id()).await.unwrap().session;

    set_tier(&bob, ada.peer_id(), Tier::Known).await;
    until_direct(&ada, &bob).await;
    let now = reached(&ada, bob.peer_id()).await.unwrap();
    assert!(now.to.starts_with("127.0.0.1:") && now.rtt_ms.is_some(), "{now:?}");
    ping(&ada, bob.peer_id()).await;
    ping(&bob, ada.peer_id()).await;
    assert_eq!(info(&ada, bob.peer_id()).await.unwrap().session, session, "it is the session that moved");
    ada.close().await;
    bob.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_accepted_learns_no_address_and_is_kept_no_address_of() {
    let world = World::new().await;
    let (ada, bob) = (world.serve("ada").await, world.serve("bob").await);
    connect(&ada, &bob).await;
    // Ada chose Bob, so he is told of her door; she is nobody to him.
    for _ in 0..3 {
        ping(&ada, bob.peer_id()).await;
    }
    for agent in [&ada, &bob] {
        let other = if agent.peer_id() == ada.peer_id() { &bob } else { &ada };
        let now = reached(agent, other.peer_id()).await.unwrap();
        assert_eq!((now.way, now.direct_door), (Way::Relay, false), "{now:?}");
    }
    ada.close().await;
    bob.close().await;
    assert_eq!((world.kept("ada"), world.kept("bob")), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_nobody_again_is_shown_out_and_still_reached_at_the_front() {
    let world = World::new().await;
    let (ada, bob) = acquainted(&world).await;
    set_tier(&bob, ada.peer_id(), Tier::Untrusted).await;
    until("the direct link is over", async || {
        reached(&bob, ada.peer_id()).await.is_none_or(|now| !now.direct_door)
    })
    .await;
    ping(&ada, bob.peer_id()).await;
    let now = reached(&ada, bob.peer_id()).await.unwrap();
    assert_eq!((now.way, now.direct_door), (Way::Relay, false), "{now:?}");

    // Once accepted again, the peer is told our card anew, and tells its own.
    set_tier(&bob, ada.peer_id(), Tier::Internal).await;
    until_direct(&ada, &bob).await;
    // Ada's own decision counts the same, though she made the connection.
    TrustRemove { peer: bob.peer_id().to_string() }.run(&ada).await.unwrap();
    until("the direct link is over", async || {
        reached(&ada, bob.peer_id()).await.is_none_or(|now| !now.direct_door)
    })
    .await;
    ada.close().await;
    bob.close().await;
    assert_eq!((world.kept("ada"), world.kept("bob")), (vec![], vec![ada.peer_id()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admitted_peer_uses_the_direct_endpoint_right_after_a_restart() {
    let world = World::new().await;
    let (ada, bob) = acquainted(&world).await;
    ada.close().await;
    bob.close().await;
    drop((ada, bob));
    assert_eq!((world.kept("ada").len(), world.kept("bob").len()), (1, 1));
    let (ada, bob) = (world.serve("ada").await, world.serve("bob").await);
    ping(&ada, bob.peer_id()).await;
    until_direct(&ada, &bob).await;
    ada.close().await;
    bob.close().await;
}
