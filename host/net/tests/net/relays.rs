//! A relay in this process, and agents that can reach each other only through it.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use coworker_net::PathKind;
use coworker_net::relay::{DEFAULT_CLIENTS, DEFAULT_RATE, Relay, RelayOptions, Tls};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::time::{Instant, sleep};

use super::*;

/// Relay options for loopback.
pub(super) fn options(bind: SocketAddr) -> RelayOptions {
    let rate = NonZeroU32::new(DEFAULT_RATE).unwrap();
    RelayOptions { bind, tls: None, allow: None, rate, clients: DEFAULT_CLIENTS }
}

pub(super) async fn relay() -> (Relay, String) {
    let relay = Relay::start(options(address("127.0.0.1:0"))).await.unwrap();
    let url = relay.url("127.0.0.1");
    (relay, url)
}

pub(super) async fn online(network: &Network) {
    let wait = async {
        while !network.is_relay_connected() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, wait).await.expect("a relay in time");
}

pub(super) async fn agent(seed: u8, exposure: Exposure, relays: &[&str]) -> Network {
    let relays = relays.iter().map(|&url| url.to_owned()).collect();
    let bind = Some(address("127.0.0.1:0"));
    let network =
        Network::iroh([seed; 32], Options { bind, exposure, relays, relay_ca: None }).await.unwrap();
    online(&network).await;
    network
}

fn through(url: &str) -> DialHints {
    DialHints { addresses: Vec::new(), relay: Some(url.to_owned()) }
}

#[tokio::test]
async fn two_hidden_agents_connect_through_a_relay_and_stay_on_it() {
    let (relay, url) = relay().await;
    let (one, two) = (agent(1, Exposure::Hidden, &[&url]).await, agent(2, Exposure::Hidden, &[&url]).await);
    let link = one.dial(two.peer_id(), &through(&url), SOON).await.unwrap();
    let mut accepted = timeout(SOON, two.accept()).await.unwrap().unwrap();
    link.sender.send(vec![7; 300_000]).unwrap();
    assert_eq!(recv(&mut accepted).await.unwrap().len(), 300_000);
    for sender in [&link.sender, &accepted.sender] {
        let path = sender.path_info();
        assert_eq!((path.kind, path.moves), (PathKind::Relay, 0), "{path:?}");
        assert_eq!(path.to.trim_end_matches('/'), url);
        assert!(path.rtt.is_some());
        assert_eq!(sender.path(), format!("relay {}", path.to));
    }
    one.close().await;
    two.close().await;
    relay.close().await.unwrap();
}

#[tokio::test]
async fn a_relay_with_an_allow_list_refuses_other_keys() {
    let (mine, stranger) = (local(1, "127.0.0.1:0").await.peer_id(), [9; 32]);
    let allow = Some([mine].into());
    let relay = Relay::start(RelayOptions { allow, ..options(address("127.0.0.1:0")) }).await.unwrap();
    let url = relay.url("127.0.0.1");
    let one = agent(1, Exposure::Hidden, &[&url]).await;
    let other = Options { exposure: Exposure::Hidden, relays: vec![url.clone()], ..Options::default() };
    let other = Network::iroh(stranger, other).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(!other.is_relay_connected());
    let refused = other.dial(one.peer_id(), &through(&url), Duration::from_secs(1)).await.unwrap_err();
    assert!(matches!(refused, NetError::TimedOut { .. } | NetError::Unreachable { .. }), "{refused:?}");
    other.close().await;
    one.close().await;
    relay.close().await.unwrap();
}

/// A private authority and a certificate that it issued for 127.0.0.1, PEM.
fn authority() -> (Vec<u8>, Tls) {
    let (ca_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = ca.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let chain =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let tls = Tls { chain: chain.pem().into(), key: key.serialize_pem().into(), discovery: None };
    (root.pem().into(), tls)
}

#[tokio::test]
async fn a_relay_with_a_private_authority_is_used_only_if_the_authority_is_configured() {
    let (root, tls) = authority();
    let relay =
        Relay::start(RelayOptions { tls: Some(tls), ..options(address("127.0.0.1:0")) }).await.unwrap();
    let url = relay.url("127.0.0.1");
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let options = Options { exposure: Exposure::Hidden, relays: vec![url], ..Options::default() };
    let trusting = Options { relay_ca: Some(root), ..options.clone() };
    let trusting = Network::iroh([1; 32], trusting).await.unwrap();
    online(&trusting).await;
    let doubting = Network::iroh([2; 32], options.clone()).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(!doubting.is_relay_connected());
    for junk in [b"junk".as_slice(), b"", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"] {
        let junk = Options { relay_ca: Some(junk.to_vec()), ..options.clone() };
        assert!(matches!(Network::iroh([3; 32], junk).await.err(), Some(NetError::BadRelayCa(_))));
    }
    trusting.close().await;
    doubting.close().await;
    relay.close().await.unwrap();
}

/// Dials until it succeeds, and returns how long that took.
async fn until_reached(from: &Network, to: &Network, hints: &DialHints) -> Duration {
    let before = Instant::now();
    while before.elapsed() < Duration::from_secs(40) {
        if let Ok(link) = from.dial(to.peer_id(), hints, Duration::from_secs(1)).await {
            drop(link);
            return before.elapsed();
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("not reached");
}

#[tokio::test]
async fn agents_reconnect_soon_after_their_relay_comes_back() {
    let (relay, url) = relay().await;
    let bind = relay.address();
    let (one, two) = (agent(1, Exposure::Hidden, &[&url]).await, agent(2, Exposure::Hidden, &[&url]).await);
    until_reached(&one, &two, &through(&url)).await;
    relay.close().await.unwrap();
    // Long enough for iroh's own retry delay to reach several seconds.
    sleep(Duration::from_secs(8)).await;
    assert!(!one.is_relay_connected() && !two.is_relay_connected());
    let relay = Relay::start(options(bind)).await.unwrap();
    let took = until_reached(&one, &two, &through(&url)).await;
    // iroh alone would take up to half a minute.
    assert!(took < Duration::from_secs(20), "{took:?}");
    one.close().await;
    two.close().await;
    relay.close().await.unwrap();
}

#[tokio::test]
async fn agents_switch_to_the_next_relay_when_theirs_fails() {
    let (first, second) = (relay().await, relay().await);
    let urls = [first.1.as_str(), second.1.as_str()];
    let (one, two) = (agent(1, Exposure::Hidden, &urls).await, agent(2, Exposure::Hidden, &urls).await);
    until_reached(&one, &two, &DialHints::default()).await;
    let home = two.home_relay().unwrap();
    let (dies, stays) =
        if home.trim_end_matches('/') == urls[0] { (first.0, second) } else { (second.0, first) };
    dies.close().await.unwrap();
    // The hint names the relay that has failed.
    let took = until_reached(&one, &two, &through(&home)).await;
    assert!(took < Duration::from_secs(10), "{took:?}");
    one.close().await;
    two.close().await;
    stays.0.close().await.unwrap();
}
