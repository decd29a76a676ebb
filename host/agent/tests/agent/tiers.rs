use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::{Discover, SkillExpose, SkillPreview};
use coworker_policy::{Card, ErrorCode, PeerId, Tier};
use serde_json::json;

use crate::guest::{ABOUT, SUMMARIZE};
use crate::harness::{SECONDS, Town, call, connect, set_tier};

async fn shown(to: &Agent, by: PeerId) -> Vec<Card> {
    Discover { peer: by.to_string(), timeout: SECONDS }.run(to).await.unwrap().skills
}

fn names(cards: &[Card]) -> Vec<&str> {
    cards.iter().map(|card| card.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_sees_and_may_call_more_with_a_higher_tier() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, ABOUT, None).await;
    town.install(&ada, SUMMARIZE, Some(Tier::Known)).await;

    let connected = connect(&bob, &ada).await;
    assert_eq!((connected.peer, connected.name.as_str()), (ada.peer_id(), "ada"));
    assert_eq!(connected.tier, Tier::Untrusted);
    assert_eq!(names(&connected.skills), [""; 0], "nothing is shown to strangers by itself");

    SkillExpose { name: "about".into(), from: Tier::Untrusted }.run(&ada).await.unwrap();
    assert_eq!(names(&shown(&bob, ada.peer_id()).await), ["about"]);
    let page = call(&bob, ada.peer_id(), "about", r#"{"topic": "trust"}"#).await.unwrap();
    assert_eq!(page.output["topic"], "trust");
    let refused = call(&bob, ada.peer_id(), "summarize", r#"{"text": "One. Two."}"#).await.unwrap_err();
    assert_eq!((refused.code, refused.from_peer), (ErrorCode::UnknownSkill, true));

    set_tier(&ada, bob.peer_id(), Tier::Known).await;
    assert_eq!(names(&shown(&bob, ada.peer_id()).await), ["about", "summarize"]);
    let summary = call(&bob, ada.peer_id(), "summarize", r#"{"text": "One two. Three.", "sentences": 1}"#);
    assert_eq!(summary.await.unwrap().output["sentences"], json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_equals_the_list_that_a_peer_of_that_tier_discovers() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, ABOUT, Some(Tier::Known)).await;
    town.install(&ada, SUMMARIZE, Some(Tier::Privileged)).await;
    connect(&bob, &ada).await;
    let mut counts = Vec::new();
    for tier in Tier::ALL {
        set_tier(&ada, bob.peer_id(), tier).await;
        let preview = SkillPreview { tier }.run(&ada).await.unwrap();
        assert_eq!(preview, shown(&bob, ada.peer_id()).await, "{tier}");
        counts.push(preview.len());
    }
    assert_eq!(counts, [0, 1, 1, 2]);
}
