//! The owner's word in `policy.toml`: in force at once, kept with its comments, and carried over.

use coworker_agent::ops::Run as _;
use coworker_api::ApiError;
use coworker_api::ops::{SkillAdd, SkillConfigure, SkillGrant, SkillLook, SkillPolicy};
use coworker_policy::{Capability, ErrorCode, Tier};

use crate::guest::{plain, roomy};
use crate::harness::{Town, call, connect, log, set_tier, until};

async fn path(agent: &coworker_agent::Agent) -> std::path::PathBuf {
    SkillPolicy { name: "plain".into() }.run(agent).await.unwrap().path
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_by_hand_is_in_force_without_a_restart() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    ada.serve().await.unwrap();
    town.install(&ada, &plain(), Some(Tier::Untrusted)).await;
    connect(&bob, &ada).await;
    call(&bob, ada.peer_id(), "plain", "1").await.unwrap();

    let path = path(&ada).await;
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("# my own words\n{}", text.replace("exposed = true", "exposed = false")))
        .unwrap();
    until("the skill is hidden", async || {
        matches!(
            call(&bob, ada.peer_id(), "plain", "1").await,
            Err(ApiError { code: ErrorCode::UnknownSkill, .. })
        )
    })
    .await;
    until("the edit is noted", async || log(&ada).await.iter().any(|entry| entry.event == "policy_edited"))
        .await;

    // A file that cannot be read hides, and says where; mending it shows again.
    std::fs::write(&path, "exposed = maybe").unwrap();
    until("the file is broken", async || {
        let policy = SkillPolicy { name: "plain".into() }.run(&ada).await.unwrap();
        policy.broken.is_some_and(|broken| broken.contains("line 1"))
    })
    .await;
    std::fs::write(&path, text).unwrap();
    until("the skill is shown", async || call(&bob, ada.peer_id(), "plain", "1").await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capability_that_a_component_does_not_import_cannot_be_granted() {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &plain(), None).await;
    let to = vec!["GET https://example.com/*".to_owned()];
    let grant = SkillGrant { name: "plain".into(), capability: Capability::Http, to, from: None };
    let error = grant.run(&ada).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Usage);
    assert!(error.message.contains("does not import http"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_the_owner_holds_for_the_next_call() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, &plain(), Some(Tier::Untrusted)).await;
    connect(&bob, &ada).await;
    set_tier(&ada, bob.peer_id(), Tier::Known).await;
    let limit = |key: &str, value| SkillConfigure::Limit {
        name: "plain".into(),
        tier: Tier::Known,
        key: key.into(),
        value: Some(value),
    };
    limit("calls_per_min", 2).run(&ada).await.unwrap();
    for _ in 0..2 {
        call(&bob, ada.peer_id(), "plain", "1").await.unwrap();
    }
    let refused = call(&bob, ada.peer_id(), "plain", "1").await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::LimitExceeded);
    let error = limit("memory_mib", 65).run(&ada).await.unwrap_err();
    assert!(error.message.contains("must be"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_component_takes_the_place_of_the_old_one_with_its_policy() {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &plain(), Some(Tier::Internal)).await;
    let old = path(&ada).await;
    let newer = town.path("newer.wasm");
    std::fs::write(&newer, roomy()).unwrap();
    let look = SkillLook { path: newer.clone() }.run(&ada).await.unwrap();
    assert!(look.replaces.is_some());
    let added = SkillAdd { path: newer, agreed: look.digest, expose: None }.run(&ada).await.unwrap();
    assert_eq!(added.listing, coworker_policy::Listing::Exposed { from: Tier::Internal });
    assert!(!old.exists(), "nothing is left of the old one");
    assert!(path(&ada).await.exists());
}
