use std::net::{Ipv4Addr, UdpSocket};

use iroh::endpoint::{Connection, ConnectionError, presets};
use iroh::{Endpoint, EndpointAddr, EndpointId, SecretKey};
use tokio::time::Instant;

use super::*;

const BRIEFLY: Duration = Duration::from_millis(300);

fn nowhere() -> DialHints {
    DialHints::default()
}

/// A peer that connects over QUIC without following our protocol.
async fn stranger(network: &Network) -> (Endpoint, Connection) {
    let endpoint = Endpoint::builder(presets::Minimal)
        .secret_key(SecretKey::from_bytes(&[99; 32]))
        .clear_ip_transports()
        .bind_addr("127.0.0.1:0")
        .unwrap()
        .bind()
        .await
        .unwrap();
    let key = EndpointId::from_bytes(network.peer_id().as_bytes()).unwrap();
    let target = network.addresses().into_iter().fold(EndpointAddr::new(key), EndpointAddr::with_ip_addr);
    let connection = endpoint.connect(target, b"coworker/1").await.unwrap();
    (endpoint, connection)
}

#[tokio::test]
async fn dialling_a_dead_address_takes_no_longer_than_the_timeout() {
    let one = local(1, "127.0.0.1:0").await;
    let nobody = local(2, "127.0.0.1:0").await.peer_id();
    let hints = DialHints { addresses: vec![address("127.0.0.1:1")], relay: None };
    let (before, refused) = (Instant::now(), one.dial(nobody, &hints, BRIEFLY).await.unwrap_err());
    assert!(matches!(refused, NetError::TimedOut { after: BRIEFLY, .. }), "{refused:?}");
    assert!(before.elapsed() < 5 * BRIEFLY, "{:?}", before.elapsed());
    one.close().await;
}

#[tokio::test]
async fn a_peer_without_any_address_is_unreachable_at_once() {
    let one = local(1, "127.0.0.1:0").await;
    let nobody = local(2, "127.0.0.1:0").await.peer_id();
    let refused = one.dial(nobody, &nowhere(), SOON).await.unwrap_err();
    assert!(matches!(refused, NetError::Unreachable { .. }), "{refused:?}");
    one.close().await;
}

#[tokio::test]
async fn another_key_at_a_live_address_is_not_the_peer() {
    let pair = Pair::iroh().await;
    let other = local(3, "127.0.0.1:0").await.peer_id();
    let refused = pair.one.dial(other, &pair.hints, SOON).await.unwrap_err();
    assert!(matches!(refused, NetError::Unreachable { peer, .. } if peer == other), "{refused:?}");
    assert!(timeout(BRIEFLY, pair.two.accept()).await.is_err(), "the wrong peer saw a link");
    pair.close().await;
}

#[tokio::test]
async fn the_error_for_an_invalid_key_names_it() {
    let one = local(1, "127.0.0.1:0").await;
    // No point of the curve has y = 2.
    let mut bytes = [0; 32];
    bytes[0] = 2;
    let wrong = PeerId::from_bytes(bytes);
    let refused = one.dial(wrong, &nowhere(), SOON).await.unwrap_err();
    assert!(matches!(refused, NetError::BadKey(peer) if peer == wrong), "{refused:?}");
    one.close().await;
}

#[tokio::test]
async fn the_error_for_an_invalid_relay_url_names_it() {
    for url in ["not a url", "ftp://relay.example", "https:", "relay.example:443", ""] {
        let options = Options { relays: vec![url.to_owned()], ..Options::default() };
        let refused = Network::iroh([1; 32], options).await.err().unwrap();
        assert!(matches!(&refused, NetError::BadRelay { url: named } if named == url), "{refused:?}");
        assert!(refused.to_string().contains(url));
    }
    let pair = Pair::iroh().await;
    let hints = DialHints { relay: Some("file:///etc/passwd".to_owned()), ..pair.hints.clone() };
    let refused = pair.one.dial(pair.two.peer_id(), &hints, SOON).await.unwrap_err();
    assert!(matches!(refused, NetError::BadRelay { .. }), "{refused:?}");
    pair.close().await;
}

#[tokio::test]
async fn a_hidden_agent_has_no_addresses_and_no_direct_card() {
    for exposure in [Exposure::Hidden, Exposure::Split { direct: [2; 32] }] {
        let alone = Options { exposure, ..Options::default() };
        assert!(matches!(Network::iroh([1; 32], alone).await.err().unwrap(), NetError::NoRelay));
    }

    let relays = vec!["http://127.0.0.1:1".to_owned()];
    let bind = Some(address("127.0.0.1:0"));
    let options = Options { exposure: Exposure::Hidden, bind, relays, ..Options::default() };
    let hidden = Network::iroh([1; 32], options).await.unwrap();
    assert_eq!(hidden.addresses(), Vec::new());
    assert_eq!(hidden.direct_card(hidden.peer_id()), None);
    hidden.close().await;
}

#[tokio::test]
async fn two_loopback_addresses_reach_each_other_both_ways() {
    let (one, two) = (local(1, "127.0.0.1:0").await, local(2, "127.0.0.2:0").await);
    assert_eq!(one.addresses().len(), 1);
    assert_eq!(two.addresses()[0].ip(), address("127.0.0.2:0").ip());
    for (from, to) in [(&one, &two), (&two, &one)] {
        let link = from.dial(to.peer_id(), &hints_to(to), SOON).await.unwrap();
        assert_eq!(link.path(), format!("direct {}", to.addresses()[0]));
        let mut accepted = timeout(SOON, to.accept()).await.unwrap().unwrap();
        assert_eq!(accepted.path(), format!("direct {}", from.addresses()[0]));
        link.sender.send(b"here".to_vec()).unwrap();
        assert_eq!(recv(&mut accepted).await.unwrap(), b"here");
    }
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn all_interfaces_include_loopback_and_exclude_the_unspecified_address() {
    let everywhere = Network::iroh([1; 32], Options::default()).await.unwrap();
    let addresses = everywhere.addresses();
    assert!(addresses.iter().any(|address| address.ip().is_loopback()), "{addresses:?}");
    assert!(!addresses.iter().any(|address| address.ip().is_unspecified()), "{addresses:?}");
    let one = local(2, "127.0.0.1:0").await;
    one.dial(everywhere.peer_id(), &hints_to(&everywhere), SOON).await.unwrap();
    one.close().await;
    everywhere.close().await;
}

#[tokio::test]
async fn the_error_for_a_port_in_use_names_it() {
    let one = local(1, "127.0.0.1:0").await;
    let taken = one.addresses()[0];
    let options = Options { bind: Some(taken), ..Options::default() };
    let refused = Network::iroh([2; 32], options).await.err().unwrap();
    assert!(
        matches!(refused, NetError::Bind { address: Some(address), .. } if address == taken),
        "{refused:?}"
    );
    one.close().await;
}

#[tokio::test]
async fn silent_strangers_do_not_keep_others_out() {
    let pair = Pair::iroh().await;
    let (_endpoint, silent) = stranger(&pair.two).await;
    let (_, accepted) = pair.connect().await;
    assert_eq!(accepted.peer, pair.one.peer_id(), "the silent stranger got no link");
    assert!(silent.close_reason().is_none());
    pair.close().await;
}

#[tokio::test]
async fn many_silent_connections_of_one_source_do_not_keep_others_out() {
    let pair = Pair::iroh().await;
    let (endpoint, first) = stranger(&pair.two).await;
    let key = EndpointId::from_bytes(pair.two.peer_id().as_bytes()).unwrap();
    let target =
        pair.hints.addresses.iter().copied().fold(EndpointAddr::new(key), EndpointAddr::with_ip_addr);
    let mut silent = vec![first];
    for _ in 0..80 {
        silent.push(endpoint.connect(target.clone(), b"coworker/1").await.unwrap());
    }
    let before = Instant::now();
    let (_, accepted) = pair.connect().await;
    assert_eq!(accepted.peer, pair.one.peer_id());
    assert!(before.elapsed() < Duration::from_secs(3), "{:?}", before.elapsed());
    let open = silent.iter().filter(|connection| connection.close_reason().is_none()).count();
    assert!(open <= 16, "{open} half-open connections of one source remain");
    pair.close().await;
}

#[tokio::test]
async fn one_key_can_hold_only_a_few_links() {
    let one = local(1, "127.0.0.1:0").await;
    let (endpoint, first) = stranger(&one).await;
    let key = EndpointId::from_bytes(one.peer_id().as_bytes()).unwrap();
    let target = one.addresses().into_iter().fold(EndpointAddr::new(key), EndpointAddr::with_ip_addr);
    let (mut connections, mut links) = (vec![first], Vec::new());
    for _ in 0..11 {
        connections.push(endpoint.connect(target.clone(), b"coworker/1").await.unwrap());
    }
    for connection in &connections {
        if let Ok((mut send, _)) = connection.open_bi().await {
            drop(send.write_all(&[1]).await);
        }
        if let Ok(link) = timeout(BRIEFLY, one.accept()).await {
            links.push(link.unwrap());
        }
    }
    assert_eq!(links.len(), 8);
    let other = local(2, "127.0.0.1:0").await;
    let _theirs = other.dial(one.peer_id(), &hints_to(&one), SOON).await.unwrap();
    let accepted = timeout(SOON, one.accept()).await.unwrap().unwrap();
    assert_eq!(accepted.peer, other.peer_id());
    other.close().await;
    one.close().await;
}

#[tokio::test]
async fn an_unknown_stream_version_is_refused() {
    let one = local(1, "127.0.0.1:0").await;
    let (_endpoint, connection) = stranger(&one).await;
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    send.write_all(&[250]).await.unwrap();
    let ConnectionError::ApplicationClosed(close) = timeout(SOON, connection.closed()).await.unwrap() else {
        panic!("closed in another way");
    };
    assert_eq!(close.reason, b"unknown version".as_slice());
    one.close().await;
}

#[tokio::test]
async fn a_peer_gets_one_stream_and_no_more() {
    let one = local(1, "127.0.0.1:0").await;
    let (_endpoint, connection) = stranger(&one).await;
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    send.write_all(&[1]).await.unwrap();
    let _link = timeout(SOON, one.accept()).await.unwrap().unwrap();
    assert!(timeout(BRIEFLY, connection.open_bi()).await.is_err(), "a second stream was allowed");
    assert!(timeout(BRIEFLY, connection.open_uni()).await.is_err(), "a one-way stream was allowed");
    one.close().await;
}

#[tokio::test]
async fn an_end_inside_a_frame_is_an_error() {
    let one = local(1, "127.0.0.1:0").await;
    let (_endpoint, connection) = stranger(&one).await;
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    send.write_all(&[1, 0, 0, 0, 9, b'h', b'a']).await.unwrap();
    let mut link = timeout(SOON, one.accept()).await.unwrap().unwrap();
    send.finish().unwrap();
    let refused = timeout(SOON, link.receiver.recv(MAX)).await.unwrap().unwrap_err();
    assert!(matches!(refused, NetError::Truncated), "{refused:?}");
    one.close().await;
}

/// Returns true if this machine receives its own multicast packets. A network namespace with only loopback does not.
fn multicast_works() -> bool {
    let group = Ipv4Addr::new(224, 0, 0, 251);
    let heard = || {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED)?;
        socket.set_read_timeout(Some(BRIEFLY))?;
        socket.send_to(b"heard?", (group, socket.local_addr()?.port()))?;
        socket.recv(&mut [0; 6])
    };
    heard().is_ok()
}

#[tokio::test]
async fn mdns_finds_a_peer_by_its_key() {
    if !multicast_works() {
        return;
    }
    // Keys that depend on the process, because another run of this test may be on the same network.
    let mut seed = [77; 32];
    seed[..4].copy_from_slice(&std::process::id().to_be_bytes());
    let options = Options { exposure: Exposure::Open { mdns: true }, ..Options::default() };
    let one = Network::iroh(seed, options.clone()).await.unwrap();
    seed[31] = 78;
    let two = Network::iroh(seed, options).await.unwrap();
    let link = one.dial(two.peer_id(), &nowhere(), SOON).await.unwrap();
    assert!(link.path().starts_with("direct "), "{}", link.path());
    one.close().await;
    two.close().await;
}
