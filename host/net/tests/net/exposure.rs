//! Identity and direct endpoints: strangers learn no address at the first and get no answer at the second.

use std::collections::BTreeSet;

use coworker_net::relay::Relay;
use coworker_net::{DirectCard, EndpointKind, PathKind};
use iroh::endpoint::presets;
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayConfig, RelayMode, SecretKey, TransportAddr};
use tokio::time::sleep;

use super::relays::{agent, relay};
use super::*;

fn split(seed: u8) -> Exposure {
    Exposure::Split { direct: [seed; 32] }
}

/// Two agents with both endpoints. Each has admitted the other, as after exchanging cards in a session.
async fn admitted_pair(url: &str) -> (Network, Network) {
    let (one, two) = (agent(1, split(11), &[url]).await, agent(2, split(12), &[url]).await);
    exchange_cards(&one, &two);
    (one, two)
}

fn exchange_cards(one: &Network, two: &Network) {
    one.admit(two.peer_id(), &two.direct_card(one.peer_id()).unwrap()).unwrap();
    two.admit(one.peer_id(), &one.direct_card(two.peer_id()).unwrap()).unwrap();
}

/// A stranger with IP sockets that records every address of ours that its iroh endpoint learns.
struct Stranger {
    endpoint: Endpoint,
    learned: BTreeSet<SocketAddr>,
}

impl Stranger {
    async fn new(seed: u8, url: &str) -> Self {
        let endpoint = Endpoint::builder(presets::Minimal)
            .secret_key(SecretKey::from_bytes(&[seed; 32]))
            .relay_mode(RelayMode::Custom(
                [RelayConfig::new(url.parse().unwrap(), None)].into_iter().collect(),
            ))
            .clear_ip_transports()
            .bind_addr("127.0.0.1:0")
            .unwrap()
            .bind()
            .await
            .unwrap();
        timeout(SOON, endpoint.online()).await.unwrap();
        Self { endpoint, learned: BTreeSet::new() }
    }

    /// Dials once, stays connected as long as possible and records the learned addresses. Returns true if the
    /// handshake succeeded.
    async fn visit(&mut self, target: EndpointAddr) -> bool {
        let key = target.id;
        let dial = self.endpoint.connect(target, b"coworker/1");
        let connection = timeout(Duration::from_millis(700), dial).await.ok().and_then(Result::ok);
        if let Some(connection) = &connection {
            if let Ok((mut send, _receive)) = connection.open_bi().await {
                drop(send.write_all(&[1]).await);
            }
            sleep(Duration::from_millis(150)).await;
            self.learned.extend(connection.paths().iter().filter_map(|path| ip(path.remote_addr())));
        }
        if let Some(known) = self.endpoint.remote_info(key).await {
            self.learned.extend(known.addrs().filter_map(|known| ip(known.addr())));
        }
        connection.is_some()
    }
}

fn ip(address: &TransportAddr) -> Option<SocketAddr> {
    match address {
        TransportAddr::Ip(address) => Some(*address),
        _ => None,
    }
}

fn at_relay(key: &[u8; 32], url: &str) -> EndpointAddr {
    EndpointAddr::new(EndpointId::from_bytes(key).unwrap()).with_relay_url(url.parse().unwrap())
}

/// Strangers dial 40 times, and every link is refused, as an agent refuses unknown peers. Returns the number of
/// successful handshakes and the learned addresses.
async fn forty_visits(network: &Network, target: EndpointAddr, url: &str) -> (usize, BTreeSet<SocketAddr>) {
    let refusing = network.clone();
    let refuse = tokio::spawn(async move {
        while let Some(link) = refusing.accept().await {
            link.sender.close("refused");
        }
    });
    let mut visitors = Vec::new();
    for seed in 50..58 {
        let (mut stranger, target) = (Stranger::new(seed, url).await, target.clone());
        visitors.push(tokio::spawn(async move {
            let mut entered = 0;
            for _ in 0..5 {
                entered += usize::from(stranger.visit(target.clone()).await);
            }
            (entered, stranger.learned)
        }));
    }
    let (mut entered, mut learned) = (0, BTreeSet::new());
    for visitor in visitors {
        let (more, addresses) = visitor.await.unwrap();
        entered += more;
        learned.extend(addresses);
    }
    refuse.abort();
    (entered, learned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_stranger_learns_no_address_in_forty_visits() {
    let (relay, url) = relay().await;
    let host = agent(1, split(11), &[&url]).await;
    let card = host.direct_card(host.peer_id()).unwrap();
    assert!(!card.addresses.is_empty(), "there is something to learn");

    let (entered, learned) = forty_visits(&host, at_relay(host.peer_id().as_bytes(), &url), &url).await;
    assert_eq!((entered, learned), (40, BTreeSet::new()));
    // A stranger that knows the key of the direct endpoint gets no handshake there.
    let (entered, learned) = forty_visits(&host, at_relay(&card.key, &url), &url).await;
    assert_eq!((entered, learned), (0, BTreeSet::new()));
    host.close().await;

    // Proves that this test can fail: strangers do learn the addresses of an open agent.
    let open = agent(2, Exposure::default(), &[&url]).await;
    let (_, learned) = forty_visits(&open, at_relay(open.peer_id().as_bytes(), &url), &url).await;
    assert!(open.addresses().iter().any(|address| learned.contains(address)), "{learned:?}");
    open.close().await;
    relay.close().await.unwrap();
}

#[tokio::test]
async fn an_admitted_peer_connects_directly_with_its_own_identity() {
    let (relay, url) = relay().await;
    let (one, two) = admitted_pair(&url).await;
    let link = one.dial(two.peer_id(), &DialHints::default(), SOON).await.unwrap();
    let mut accepted = timeout(SOON, two.accept()).await.unwrap().unwrap();
    assert_eq!((link.peer, link.endpoint), (two.peer_id(), EndpointKind::Direct));
    assert_eq!((accepted.peer, accepted.endpoint), (one.peer_id(), EndpointKind::Direct));
    link.sender.send(b"here".to_vec()).unwrap();
    assert_eq!(recv(&mut accepted).await.unwrap(), b"here");
    direct_soon(&link).await;
    close(relay, [one, two]).await;
}

/// Waits for a direct path. The link may start on the relay.
async fn direct_soon(link: &Link) {
    let mut changes = link.sender.path_changes();
    let moved = async {
        while link.sender.path_info().kind != PathKind::Direct {
            assert!(changes.next().await, "the link ended");
        }
    };
    timeout(SOON, moved).await.expect("a direct path in time");
}

async fn close(relay: Relay, networks: [Network; 2]) {
    for network in networks {
        network.close().await;
    }
    relay.close().await.unwrap();
}

#[tokio::test]
async fn an_expelled_peer_loses_its_direct_links_and_reaches_the_identity_endpoint() {
    let (relay, url) = relay().await;
    let (one, two) = admitted_pair(&url).await;
    let mut link = one.dial(two.peer_id(), &DialHints::default(), SOON).await.unwrap();
    let _accepted = timeout(SOON, two.accept()).await.unwrap().unwrap();
    two.expel(one.peer_id());
    assert_eq!(recv(&mut link).await, None, "the link ended in order");
    // The expelled peer does not know. The direct endpoint does not answer, so the dial goes on to the identity
    // endpoint.
    let link = one.dial(two.peer_id(), &DialHints::default(), SOON).await.unwrap();
    let accepted = timeout(SOON, two.accept()).await.unwrap().unwrap();
    assert_eq!((link.endpoint, accepted.endpoint), (EndpointKind::Identity, EndpointKind::Identity));
    assert_eq!(accepted.peer, one.peer_id());
    assert_eq!(link.sender.path_info().kind, PathKind::Relay);
    close(relay, [one, two]).await;
}

#[tokio::test]
async fn an_admission_token_is_useless_to_another_peer() {
    let (relay, url) = relay().await;
    let (one, two) = admitted_pair(&url).await;
    let three = agent(3, split(13), &[&url]).await;
    // The third agent has the card that the second one made for the first, and dials its address.
    three.admit(two.peer_id(), &two.direct_card(one.peer_id()).unwrap()).unwrap();
    if let Ok(mut link) = three.dial(two.peer_id(), &DialHints::default(), SOON).await {
        drop(timeout(SOON, link.receiver.recv(MAX)).await.expect("the link ends at once"));
    }
    while let Ok(Some(link)) = timeout(Duration::from_millis(300), two.accept()).await {
        assert_eq!((link.peer, link.endpoint), (three.peer_id(), EndpointKind::Identity));
    }
    three.close().await;
    close(relay, [one, two]).await;
}

#[tokio::test]
async fn the_direct_endpoint_does_not_answer_a_stranger_that_knows_its_address() {
    let (relay, url) = relay().await;
    let host = agent(1, split(11), &[&url]).await;
    let DirectCard { key, addresses, .. } = host.direct_card(host.peer_id()).unwrap();
    let mut stranger = Stranger::new(99, &url).await;
    let key = EndpointId::from_bytes(&key).unwrap();
    let target = addresses.into_iter().fold(EndpointAddr::new(key), EndpointAddr::with_ip_addr);
    assert!(!stranger.visit(target).await);
    host.close().await;
    relay.close().await.unwrap();
}

#[tokio::test]
async fn an_open_agent_and_a_split_agent_connect_directly_both_ways() {
    let (relay, url) = relay().await;
    let (open, other) = (agent(1, Exposure::default(), &[&url]).await, agent(2, split(12), &[&url]).await);
    exchange_cards(&open, &other);
    for (from, to) in [(&open, &other), (&other, &open)] {
        let link = from.dial(to.peer_id(), &DialHints::default(), SOON).await.unwrap();
        let accepted = timeout(SOON, to.accept()).await.unwrap().unwrap();
        assert_eq!((link.peer, link.endpoint), (to.peer_id(), EndpointKind::Direct));
        assert_eq!(accepted.peer, from.peer_id());
        direct_soon(&link).await;
    }
    close(relay, [open, other]).await;
}
