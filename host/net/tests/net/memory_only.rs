use super::*;

fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

#[tokio::test]
async fn a_cut_loses_the_links_of_two_peers_and_both_may_dial_again() {
    let hub = Hub::new();
    let (one, two) = (Network::memory(&hub, peer(1)), Network::memory(&hub, peer(2)));
    let three = Network::memory(&hub, peer(3));
    let mut cut = one.dial(peer(2), &DialHints::default(), SOON).await.unwrap();
    let mut cut_too = two.accept().await.unwrap();
    let other = one.dial(peer(3), &DialHints::default(), SOON).await.unwrap();
    let mut whole = three.accept().await.unwrap();

    hub.cut(peer(2), peer(1));
    assert!(matches!(cut.receiver.recv(MAX).await, Err(NetError::Lost(_))));
    assert!(matches!(cut_too.receiver.recv(MAX).await, Err(NetError::Lost(_))));
    cut.sender.closed().await;
    assert_eq!(cut.sender.send(Vec::new()), Err(Closed));

    other.sender.send(b"untouched".to_vec()).unwrap();
    assert_eq!(recv(&mut whole).await.unwrap(), b"untouched");
    two.dial(peer(1), &DialHints::default(), SOON).await.unwrap();
}

#[tokio::test]
async fn a_peer_off_the_network_is_unreachable_until_it_is_back() {
    let hub = Hub::new();
    let (one, two) = (Network::memory(&hub, peer(1)), Network::memory(&hub, peer(2)));
    let mut link = one.dial(peer(2), &DialHints::default(), SOON).await.unwrap();
    hub.set_reachable(peer(2), false);
    assert!(matches!(link.receiver.recv(MAX).await, Err(NetError::Lost(_))));
    for (from, to) in [(&one, peer(2)), (&two, peer(1))] {
        let refused = from.dial(to, &DialHints::default(), SOON).await.unwrap_err();
        assert!(matches!(refused, NetError::Unreachable { .. }), "{refused:?}");
    }
    hub.set_reachable(peer(2), true);
    one.dial(peer(2), &DialHints::default(), SOON).await.unwrap();
}

#[tokio::test]
async fn a_restarted_agent_replaces_the_earlier_listener_of_its_key() {
    let hub = Hub::new();
    let one = Network::memory(&hub, peer(1));
    let before = Network::memory(&hub, peer(2));
    let after = Network::memory(&hub, peer(2));
    before.close().await;
    one.dial(peer(2), &DialHints::default(), SOON).await.unwrap();
    assert_eq!(after.accept().await.unwrap().peer, peer(1));
    drop(after);
    let refused = one.dial(peer(2), &DialHints::default(), SOON).await.unwrap_err();
    assert!(matches!(refused, NetError::Unreachable { .. }), "{refused:?}");
}
