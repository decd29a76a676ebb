use coworker_channel::Message;
use coworker_policy::{ErrorCode, RequestId, Tier};

use crate::guest::{plain, spins};
use crate::harness::{Town, log, set_tier};
use crate::stranger::Stranger;

/// The whole answer with the request's id blanked, and the length of the frame that it came in.
async fn answer(stranger: &mut Stranger, skill: &str) -> (Vec<u8>, usize) {
    let answer = stranger.call(skill, r#"{"any": "input"}"#).await;
    let id = answer.id().unwrap().to_string();
    let blank = "-".repeat(id.len());
    let text = String::from_utf8(answer.encode()).unwrap().replace(&id, &blank);
    assert!(text.contains(&blank));
    (text.into_bytes(), stranger.frame_length)
}

/// Every skill that a caller may not know of, installed or not, has one answer.
#[tokio::test(flavor = "multi_thread")]
async fn hidden_too_low_and_unknown_skills_have_one_answer() {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &plain(), None).await;
    town.install(&ada, &spins(), Some(Tier::Internal)).await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    for tier in [Tier::Untrusted, Tier::Known] {
        set_tier(&ada, eve.id, tier).await;
        let unknown = answer(&mut eve, "never").await;
        let text = String::from_utf8(unknown.0.clone()).unwrap();
        assert!(text.contains("UNKNOWN_SKILL") && !text.contains("never"), "{text}");
        let long = "x".repeat(256);
        for name in ["plain", "spins", "no name at all", "../plain", "plain\u{202e}", "", &long] {
            assert_eq!(answer(&mut eve, name).await, unknown, "{name:?} as {tier}");
        }
    }
    // The owner reads the real reason.
    let entries = log(&ada).await;
    let reasons: Vec<&str> = entries
        .iter()
        .filter(|entry| entry.event == "call_refused")
        .filter_map(|entry| entry.detail.as_ref()?["reason"].as_str())
        .collect();
    assert_eq!(reasons.len(), 16);
    assert!(reasons.contains(&"skill `plain` is hidden"), "{reasons:?}");
    assert!(reasons.contains(&"skill `spins` needs INTERNAL, the caller is KNOWN"), "{reasons:?}");
    assert!(reasons.contains(&"no such skill"), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_name_a_sender_or_a_tier_are_not_consulted() {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &plain(), Some(Tier::Known)).await;
    let (friend, mut eve) = (Stranger::new(&town.hub, "fay"), Stranger::new(&town.hub, "eve"));
    eve.meet(ada.peer_id()).await;
    set_tier_of_unmet(&town, &ada, &friend).await;
    let (id, friend) = (RequestId::random(), friend.id);
    eve.send_bytes(
        format!(
            r#"{{"type":"task_request","id":"{id}","skill":"plain","input":1,"from":"{friend}",
                 "sender":"{friend}","peer":"{friend}","tier":"privileged","caller":"owner"}}"#
        )
        .into_bytes(),
    );
    match eve.read().await {
        Message::TaskError { id: answered, code, .. } => {
            assert_eq!((answered, code), (id, ErrorCode::UnknownSkill));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(log(&ada).await[0].peer, Some(eve.id));
}

async fn set_tier_of_unmet(town: &Town, ada: &coworker_agent::Agent, friend: &Stranger) {
    let mut again = Stranger::new(&town.hub, "fay");
    assert_eq!(again.id, friend.id);
    again.meet(ada.peer_id()).await;
    set_tier(ada, friend.id, Tier::Privileged).await;
}
