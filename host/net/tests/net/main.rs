//! Runs the same tests over iroh and in memory, then tests that are specific to one of them.

#![cfg(test)]

mod exposure;
mod iroh_only;
mod memory_only;
mod relays;

use std::net::SocketAddr;
use std::time::Duration;

use coworker_net::{Closed, DialHints, Exposure, Hub, Link, NetError, Network, Options, QUEUE_LIMIT};
use coworker_policy::PeerId;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);
const MAX: usize = 8 << 20;

/// Two agents, and the hints for the first one to dial the second.
struct Pair {
    one: Network,
    two: Network,
    hints: DialHints,
}

impl Pair {
    fn memory() -> Self {
        let hub = Hub::new();
        Self {
            one: Network::memory(&hub, PeerId::from_bytes([1; 32])),
            two: Network::memory(&hub, PeerId::from_bytes([2; 32])),
            hints: DialHints::default(),
        }
    }

    async fn iroh() -> Self {
        let (one, two) = (local(1, "127.0.0.1:0").await, local(2, "127.0.0.1:0").await);
        let hints = hints_to(&two);
        Self { one, two, hints }
    }

    /// The dialled link and the accepted one.
    async fn connect(&self) -> (Link, Link) {
        let dialed = self.one.dial(self.two.peer_id(), &self.hints, SOON).await.unwrap();
        let accepted = timeout(SOON, self.two.accept()).await.unwrap().unwrap();
        (dialed, accepted)
    }

    async fn close(self) {
        self.one.close().await;
        self.two.close().await;
    }
}

async fn local(seed: u8, bind: &str) -> Network {
    let options = Options { bind: Some(bind.parse().unwrap()), ..Options::default() };
    Network::iroh([seed; 32], options).await.unwrap()
}

fn hints_to(network: &Network) -> DialHints {
    DialHints { addresses: network.addresses(), relay: None }
}

async fn recv(link: &mut Link) -> Option<Vec<u8>> {
    timeout(SOON, link.receiver.recv(MAX)).await.expect("a frame in time").unwrap()
}

/// Defines one test per carrier from one body.
macro_rules! both {
    ($($name:ident),* $(,)?) => {
        mod in_memory {
            $(#[tokio::test] async fn $name() { super::$name(super::Pair::memory()).await; })*
        }
        mod over_iroh {
            $(#[tokio::test] async fn $name() { super::$name(super::Pair::iroh().await).await; })*
        }
    };
}

both![
    both_sides_know_each_other_and_exchange_frames,
    a_thousand_frames_arrive_in_order,
    large_and_empty_frames_arrive,
    a_frame_over_the_limit_is_refused,
    queued_frames_are_delivered_before_the_end,
    closing_the_network_ends_its_links,
    dropping_the_receiver_ends_the_link,
    a_peer_that_does_not_read_is_cut_off,
    a_dropped_recv_loses_nothing,
    two_links_are_independent,
    our_own_key_cannot_be_dialled,
];

async fn both_sides_know_each_other_and_exchange_frames(pair: Pair) {
    let (mut ours, mut theirs) = pair.connect().await;
    assert_eq!((ours.peer, ours.dialed), (pair.two.peer_id(), true));
    assert_eq!((theirs.peer, theirs.dialed), (pair.one.peer_id(), false));
    ours.sender.send(b"ping".to_vec()).unwrap();
    assert_eq!(recv(&mut theirs).await.unwrap(), b"ping");
    theirs.sender.send(b"pong".to_vec()).unwrap();
    assert_eq!(recv(&mut ours).await.unwrap(), b"pong");
    pair.close().await;
}

async fn a_thousand_frames_arrive_in_order(pair: Pair) {
    let (ours, mut theirs) = pair.connect().await;
    for number in 0..1000_u32 {
        let mut frame = number.to_be_bytes().to_vec();
        frame.resize(4 + number as usize * 37 % 40_000, 0);
        ours.sender.send(frame).unwrap();
    }
    for number in 0..1000_u32 {
        let frame = recv(&mut theirs).await.unwrap();
        assert_eq!(frame[..4], number.to_be_bytes());
        assert_eq!(frame.len(), 4 + number as usize * 37 % 40_000);
    }
    pair.close().await;
}

async fn large_and_empty_frames_arrive(pair: Pair) {
    let (ours, mut theirs) = pair.connect().await;
    let large: Vec<u8> = (0..4_u32 << 20).map(|index| index.to_le_bytes()[index as usize % 3]).collect();
    ours.sender.send(large.clone()).unwrap();
    ours.sender.send(Vec::new()).unwrap();
    assert!(recv(&mut theirs).await.unwrap() == large, "the frame arrived changed");
    assert_eq!(recv(&mut theirs).await.unwrap(), b"");
    pair.close().await;
}

async fn a_frame_over_the_limit_is_refused(pair: Pair) {
    let (ours, mut theirs) = pair.connect().await;
    ours.sender.send(vec![0; 1001]).unwrap();
    let refused = timeout(SOON, theirs.receiver.recv(1000)).await.unwrap().unwrap_err();
    assert!(matches!(refused, NetError::FrameTooLarge { length: 1001, max: 1000 }), "{refused:?}");
    pair.close().await;
}

async fn queued_frames_are_delivered_before_the_end(pair: Pair) {
    let (ours, mut theirs) = pair.connect().await;
    for _ in 0..20 {
        ours.sender.send(vec![7; 100_000]).unwrap();
    }
    ours.sender.close("enough");
    assert_eq!(ours.sender.send(Vec::new()), Err(Closed));
    for _ in 0..20 {
        assert_eq!(recv(&mut theirs).await.unwrap().len(), 100_000);
    }
    assert_eq!(recv(&mut theirs).await, None);
    timeout(SOON, theirs.sender.closed()).await.unwrap();
    assert!(theirs.sender.is_closed());
    timeout(SOON, ours.sender.closed()).await.unwrap();
    pair.close().await;
}

async fn closing_the_network_ends_its_links(pair: Pair) {
    let (ours, mut theirs) = pair.connect().await;
    ours.sender.send(b"last words".to_vec()).unwrap();
    timeout(SOON, pair.one.close()).await.unwrap();
    assert_eq!(recv(&mut theirs).await.unwrap(), b"last words");
    assert_eq!(recv(&mut theirs).await, None);
    assert!(pair.one.accept().await.is_none());
    let refused = pair.one.dial(pair.two.peer_id(), &pair.hints, SOON).await.unwrap_err();
    assert!(matches!(refused, NetError::Closed), "{refused:?}");
    pair.two.close().await;
}

async fn dropping_the_receiver_ends_the_link(pair: Pair) {
    let (ours, mut theirs) = pair.connect().await;
    let Link { sender, receiver, .. } = ours;
    sender.send(b"bye".to_vec()).unwrap();
    drop(receiver);
    assert_eq!(recv(&mut theirs).await.unwrap(), b"bye");
    assert_eq!(recv(&mut theirs).await, None);
    timeout(SOON, sender.closed()).await.unwrap();
    pair.close().await;
}

async fn a_peer_that_does_not_read_is_cut_off(pair: Pair) {
    let (ours, theirs) = pair.connect().await;
    let accepted =
        (0..(2 * QUEUE_LIMIT) >> 20).take_while(|_| ours.sender.send(vec![0; 1 << 20]).is_ok()).count();
    assert!((32..=QUEUE_LIMIT >> 20).contains(&accepted), "{accepted} MiB were queued");
    assert!(ours.sender.is_closed());
    timeout(SOON, theirs.sender.closed()).await.unwrap();
    pair.close().await;
}

async fn a_dropped_recv_loses_nothing(pair: Pair) {
    let (ours, mut theirs) = pair.connect().await;
    for number in 0..50_u8 {
        ours.sender.send(vec![number; 60_000]).unwrap();
    }
    let mut dropped = 0;
    for number in 0..50_u8 {
        let frame = loop {
            match timeout(Duration::from_micros(50), theirs.receiver.recv(MAX)).await {
                Ok(frame) => break frame.unwrap().unwrap(),
                Err(_) => dropped += 1,
            }
            assert!(dropped < 1_000_000, "no progress");
        };
        assert!(frame.len() == 60_000 && frame.iter().all(|byte| *byte == number), "frame {number}");
    }
    pair.close().await;
}

async fn two_links_are_independent(pair: Pair) {
    let (ours, mut theirs) = pair.connect().await;
    let (ours_too, mut theirs_too) = pair.connect().await;
    ours_too.sender.send(b"second".to_vec()).unwrap();
    ours.sender.send(b"first".to_vec()).unwrap();
    assert_eq!(recv(&mut theirs).await.unwrap(), b"first");
    assert_eq!(recv(&mut theirs_too).await.unwrap(), b"second");
    ours.sender.close("one is enough");
    assert_eq!(recv(&mut theirs).await, None);
    ours_too.sender.send(b"still here".to_vec()).unwrap();
    assert_eq!(recv(&mut theirs_too).await.unwrap(), b"still here");
    pair.close().await;
}

async fn our_own_key_cannot_be_dialled(pair: Pair) {
    let refused = pair.one.dial(pair.one.peer_id(), &pair.hints, SOON).await.unwrap_err();
    assert!(matches!(refused, NetError::Unreachable { .. }), "{refused:?}");
    pair.close().await;
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}
