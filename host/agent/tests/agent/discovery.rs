use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::{Discover, Discovered};
use coworker_channel::Message;
use coworker_policy::{Card, Digest, ErrorCode, PeerId, RequestId, Tier, list_hash};

use crate::guest::plain;
use crate::harness::{SECONDS, Town, connect, set_tier};
use crate::stranger::{Stranger, request};

async fn inspect(from: &Agent, peer: PeerId, timeout: f64) -> Result<Discovered, coworker_api::ApiError> {
    Discover { peer: peer.to_string(), timeout }.run(from).await
}

async fn ask(eve: &mut Stranger, known: Option<Digest>) -> Option<Vec<Card>> {
    match eve.ask(&Message::Discover { id: RequestId::random(), name: None, known }).await {
        Message::Capabilities { cards, .. } => Some(cards),
        Message::CapabilitiesUnchanged { .. } => None,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_with_the_current_list_learns_only_that_it_is_current() {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &plain(), Some(Tier::Known)).await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    set_tier(&ada, eve.id, Tier::Known).await;
    let cards = ask(&mut eve, None).await.unwrap();
    assert_eq!(cards.len(), 1);
    let (full, hash) = (eve.frame_length, list_hash(cards.iter().map(Card::hash)));
    assert_eq!(ask(&mut eve, Some(hash)).await, None);
    assert!(eve.frame_length < full, "the answer is small");
    assert_eq!(ask(&mut eve, Some(Digest::of(b"other"))).await, Some(cards));
    // The list that eve saw exists, but is no longer hers: a list that she claims to have is not confirmed.
    set_tier(&ada, eve.id, Tier::Untrusted).await;
    assert_eq!(ask(&mut eve, Some(hash)).await, Some(vec![]));
    assert_eq!(ask(&mut eve, Some(list_hash([]))).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_are_kept_for_when_the_peer_is_away_and_asked_for_anew() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, &plain(), Some(Tier::Known)).await;
    connect(&bob, &ada).await;
    set_tier(&ada, bob.peer_id(), Tier::Known).await;
    let first = inspect(&bob, ada.peer_id(), SECONDS).await.unwrap();
    assert_eq!((first.skills.len(), first.cached_ms), (1, None));
    let again = inspect(&bob, ada.peer_id(), SECONDS).await.unwrap();
    assert_eq!((&again.skills, again.cached_ms), (&first.skills, None), "it was asked, and said unchanged");

    town.hub.set_reachable(ada.peer_id(), false);
    let away = inspect(&bob, ada.peer_id(), 0.5).await.unwrap();
    assert_eq!((&away.skills, away.name), (&first.skills, first.name));
    assert!(away.cached_ms.is_some());
    set_tier(&ada, bob.peer_id(), Tier::Untrusted).await;
    town.hub.set_reachable(ada.peer_id(), true);
    let less = inspect(&bob, ada.peer_id(), SECONDS).await.unwrap();
    assert_eq!((less.skills.len(), less.cached_ms), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_showed_anything_is_just_away() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    connect(&bob, &ada).await;
    town.in_transaction("bob", |tx| tx.forget_shown(ada.peer_id()));
    town.hub.set_reachable(ada.peer_id(), false);
    let error = inspect(&bob, ada.peer_id(), 0.5).await.unwrap_err();
    let away = [ErrorCode::PeerUnreachable, ErrorCode::Deadline].contains(&error.code);
    assert!(away && !error.from_peer, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_says_unchanged_out_of_the_blue_is_asked_again_and_not_believed() {
    let town = Town::new();
    let bob = town.open("bob").await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(bob.peer_id()).await;
    let peer = eve.id;
    let asking = tokio::spawn(async move { inspect(&bob, peer, SECONDS).await });
    for _ in 0..2 {
        let Message::Discover { id, known: None, .. } = eve.read().await else { panic!("no question") };
        eve.send(&Message::CapabilitiesUnchanged { id, name: "eve".parse().unwrap() });
    }
    let error = asking.await.unwrap().unwrap_err();
    assert!(error.from_peer, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_version_is_named_only_to_callers_that_see_the_skill() {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &plain(), Some(Tier::Known)).await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    let pinned = |skill: &str, pin: &str| match request(RequestId::random(), skill, "1") {
        Message::TaskRequest { id, skill, input, timeout_ms, expires_ms, part_of, .. } => {
            let version = Some(pin.parse().unwrap());
            Message::TaskRequest { id, skill, input, timeout_ms, expires_ms, version, part_of }
        }
        other => other,
    };
    let mut answers = Vec::new();
    for question in [pinned("plain", "99.0.0"), pinned("plain", "*"), pinned("nothing", "99.0.0")] {
        match eve.ask(&question).await {
            Message::TaskError { code, message, .. } => {
                answers.push((code, message.to_string(), eve.frame_length));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(answers[0].0, ErrorCode::UnknownSkill);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");

    set_tier(&ada, eve.id, Tier::Known).await;
    match eve.ask(&pinned("plain", "99.0.0")).await {
        Message::TaskError { code, message, .. } => {
            assert_eq!(code, ErrorCode::VersionMismatch);
            assert!(message.as_str().contains("=99.0.0"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(eve.ask(&pinned("plain", ">=0.0.1")).await, Message::TaskResponse { .. }));
}
