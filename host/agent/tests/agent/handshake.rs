use coworker_agent::ops::Run as _;
use coworker_agent::{Agent, Invite};
use coworker_api::ops::{Connect, Ping};
use coworker_channel::{Frame, Hello, MAX_HANDSHAKE_FRAME, Message, SessionId, VERSION};
use coworker_policy::{ErrorCode, PeerId, RequestId};

use crate::harness::{SECONDS, Town, connect, identity};
use crate::stranger::Stranger;

fn hello() -> Vec<u8> {
    Frame::Hello(Hello { version: VERSION, position: None }).encode()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_handshake_ends_cleanly_and_the_next_one_works() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let mut eve = Stranger::new(&town.hub, "eve");
    let session = SessionId::from_bytes([5; 32]);
    let wrong_version = [&[1, VERSION + 1][..], &[0; 41]].concat();
    let breaches = [
        vec![wrong_version],
        vec![Frame::Ack { session, seq: 1 }.encode()],
        vec![Frame::Sealed { session, seq: 1, ciphertext: vec![1] }.encode()],
        vec![Frame::KeyPackage(vec![1]).encode()],
        vec![vec![0; MAX_HANDSHAKE_FRAME + 1]],
        vec![hello(), hello()],
        vec![hello(), Frame::Welcome(vec![1; 200]).encode()],
        vec![hello(), Frame::KeyPackage(vec![1; 200]).encode()],
        vec![hello(), Frame::Sealed { session, seq: 1, ciphertext: vec![1] }.encode()],
    ];
    for breach in breaches {
        eve.dial(ada.peer_id()).await;
        for frame in breach {
            eve.say_bytes(frame);
        }
        while let Some(frame) = eve.hear().await {
            assert!(matches!(frame, Frame::Hello(_) | Frame::KeyPackage(_)), "{frame:?}");
        }
    }
    assert_eq!(
        town.in_transaction("ada", |tx| tx.peer(eve.id)),
        None,
        "who never had a session is remembered"
    );
    eve.meet(ada.peer_id()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_welcome_in_another_s_name_is_refused() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let mut eve = Stranger::disguised(&town.hub, "eve", &identity("bob"));
    eve.shake_hands(ada.peer_id()).await;
    eve.hear_the_end().await;
    for name in ["eve", "bob"] {
        let peer = identity(name).peer_id();
        assert_eq!(town.in_transaction("ada", |tx| tx.session(peer)), None, "{name}");
    }
}

async fn dial(from: &Agent, peer: PeerId, timeout: f64) -> Result<(), ErrorCode> {
    let name = "eve".parse().unwrap();
    let code = Invite { name, peer, relay: None, addresses: Vec::new(), token: None }.to_string();
    Connect { code, at: Vec::new(), timeout }.run(from).await.map(drop).map_err(|error| error.code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_package_in_another_s_name_is_refused() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let mut eve = Stranger::disguised(&town.hub, "eve", &identity("bob"));
    let id = eve.id;
    let (connected, welcomed) = tokio::join!(dial(&ada, id, 0.5), eve.welcome(ada.peer_id()));
    assert_eq!(connected, Err(ErrorCode::PeerUnreachable));
    assert!(!welcomed);
    assert_eq!(town.in_transaction("ada", |tx| tx.session(id)), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_peer_is_reported_even_with_a_long_timeout() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let nobody = identity("eve").peer_id();
    for timeout in [0.05, 0.2, 0.3] {
        assert_eq!(dial(&ada, nobody, timeout).await, Err(ErrorCode::PeerUnreachable));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_that_dial_each_other_at_once_end_up_in_one_session() {
    for round in 0..12 {
        let town = Town::new();
        let (ada, bob) = (town.open("ada").await, town.open("bob").await);
        tokio::join!(connect(&ada, &bob), connect(&bob, &ada));
        let ping = |peer: PeerId| Ping { peer: peer.to_string(), timeout: SECONDS };
        for _ in 0..3 {
            let (there, back) = tokio::join!(ping(bob.peer_id()).run(&ada), ping(ada.peer_id()).run(&bob));
            assert!(there.is_ok() && back.is_ok(), "round {round}: {there:?} {back:?}");
        }
        let session = |name: &str, peer| town.in_transaction(name, |tx| tx.session(peer)).unwrap().id;
        assert_eq!(session("ada", bob.peer_id()), session("bob", ada.peer_id()), "round {round}");
    }
}

/// The agent made a session that never reached the peer. That session must not keep the peer out.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_peer_never_got_is_given_up() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let mut eve = Stranger::new(&town.hub, "eve");
    assert!(ada.peer_id() < eve.id, "a race would be ada's");
    let (connected, welcomed) = tokio::join!(dial(&ada, eve.id, 0.5), async {
        let welcomed = eve.welcome(ada.peer_id()).await;
        eve.hang_up();
        welcomed
    });
    assert!(welcomed && connected.is_err());
    eve.shake_hands(ada.peer_id()).await;
    let id = RequestId::random();
    eve.send(&Message::Ping { id });
    // The request of the abandoned session is sent again in this one.
    assert!(matches!(eve.read().await, Message::Discover { .. }));
    assert_eq!(eve.read().await, Message::Pong { id });
}

/// Both dial, and the slower connection's handshake goes on after the faster one's ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_was_overtaken_changes_nothing() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let mut bob = Stranger::new(&town.hub, "bob");
    assert!(bob.id < ada.peer_id(), "a race would be his");
    let (connected, ()) = tokio::join!(dial(&ada, bob.id, SECONDS), async {
        bob.hear_a_dial().await;
        let slow = bob.swap(None);
        bob.shake_hands(ada.peer_id()).await;
        let Message::Discover { id, .. } = bob.read().await else { panic!("no question") };
        let fast = bob.swap(slow);
        bob.offer();
        bob.hear_the_end().await;
        bob.swap(fast);
        let name = "bob".parse().unwrap();
        bob.send(&Message::Capabilities { id, name, cards: Vec::new() });
        bob.expect_silence().await;
    });
    connected.unwrap();
}
