//! The audit log's seal: the agent continues only from a row that it sealed itself.

use std::time::Duration;

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::{AuditPrune, AuditVerified, AuditVerify, SkillRun};
use coworker_policy::ErrorCode;
use coworker_store::NewAudit;
use serde_json::json;

use crate::guest::plain;
use crate::harness::Town;

async fn verify(agent: &Agent, head: Option<&str>) -> AuditVerified {
    AuditVerify { head: head.map(str::to_owned) }.run(agent).await.unwrap()
}

fn broken(verified: &AuditVerified) -> Option<(&str, i64)> {
    verified.broken.as_ref().map(|broken| (broken.what.as_str(), broken.seq))
}

async fn run(agent: &Agent) {
    SkillRun { name: "plain".into(), input: "1".into(), tier: None }.run(agent).await.unwrap();
}

/// A row with a valid hash, by an attacker with the file and without the key.
fn write_beside(town: &Town) {
    let detail = json!({});
    town.in_transaction("ada", |tx| {
        tx.audit(&NewAudit {
            at_ms: 0,
            event: "forged",
            peer: None,
            task: None,
            skill: None,
            detail: &detail,
        })
    });
}

/// An agent with a skill that ran, opened a second time.
async fn town() -> (Town, Agent) {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &plain(), None).await;
    run(&ada).await;
    let ada = town.restart("ada", ada).await;
    (town, ada)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_sealed_and_a_head_that_was_kept_is_found_again() {
    let (town, ada) = town().await;
    let kept = verify(&ada, None).await;
    assert_eq!(broken(&kept), None);
    assert_eq!(kept.rows, town.audit_rows("ada").len() as u64);
    let head = kept.head.unwrap();
    run(&ada).await;
    let later = verify(&ada, Some(&head)).await;
    assert_eq!((broken(&later), later.rows), (None, kept.rows + 2));
    let other = format!("{}:{}", kept.rows, "0".repeat(64));
    assert_eq!(broken(&verify(&ada, Some(&other)).await).unwrap().0, "forked");
    let typed = AuditVerify { head: Some("7".into()) }.run(&ada).await.unwrap_err();
    assert_eq!(typed.code, ErrorCode::Usage);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_wrote_between_two_starts_is_never_sealed() {
    let (town, ada) = town().await;
    let rows = verify(&ada, None).await.rows;
    let forged = i64::try_from(rows).unwrap() + 1;
    ada.close().await;
    drop(ada);
    write_beside(&town);
    let ada = town.open("ada").await;
    run(&ada).await;
    assert_eq!(broken(&verify(&ada, None).await), Some(("not_sealed", forged)));
    let ada = town.restart("ada", ada).await;
    run(&ada).await;
    assert_eq!(broken(&verify(&ada, None).await), Some(("not_sealed", forged)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_writes_while_the_agent_runs_is_never_sealed() {
    let (town, ada) = town().await;
    let rows = verify(&ada, None).await.rows;
    write_beside(&town);
    run(&ada).await;
    let forged = i64::try_from(rows).unwrap() + 1;
    assert_eq!(broken(&verify(&ada, None).await), Some(("not_sealed", forged)));
}

/// Without this check, an attacker who removes the rows and the seal would make the agent seal an empty log.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_gone_whole_is_missed() {
    let (town, ada) = town().await;
    ada.close().await;
    drop(ada);
    for file in ["agent.db", "agent.db-wal", "agent.db-shm"] {
        let _ = std::fs::remove_file(town.path("ada").join(file));
    }
    let ada = town.open("ada").await;
    assert_eq!(broken(&verify(&ada, None).await), Some(("missing", 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_from_before_there_were_seals_is_sealed_as_it_is() {
    let town = Town::new();
    town.home("ada");
    write_beside(&town);
    let ada = town.open("ada").await;
    assert_eq!((broken(&verify(&ada, None).await), verify(&ada, None).await.rows), (None, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn old_rows_are_thrown_away_by_the_owner_and_the_log_goes_on() {
    let town = Town::new();
    town.home("ada");
    // From long ago, and sealed when the agent begins.
    (0..3).for_each(|_| write_beside(&town));
    let ada = town.open("ada").await;
    run_of(&town, &ada).await;
    let day = Duration::from_hours(24);
    let rows = verify(&ada, None).await.rows;
    let pruned = AuditPrune { older_than: day }.run(&ada).await.unwrap();
    assert_eq!(pruned.rows, 3);
    let left = verify(&ada, None).await;
    assert_eq!((broken(&left), left.rows, &left.pruned), (None, rows - 3 + 1, &pruned.up_to));
    assert_eq!(town.audit_rows("ada").last().unwrap().event, "audit_pruned");
    let ada = town.restart("ada", ada).await;
    run(&ada).await;
    assert_eq!(broken(&verify(&ada, left.head.as_deref()).await), None);
    assert_eq!(AuditPrune { older_than: day }.run(&ada).await.unwrap().up_to, None);
    let much = AuditPrune { older_than: day / 2 }.run(&ada).await.unwrap_err();
    assert_eq!(much.code, ErrorCode::Usage);

    // A fault would never be found afterwards.
    write_beside(&town);
    run(&ada).await;
    let wrong = AuditPrune { older_than: day }.run(&ada).await.unwrap_err();
    assert_eq!(wrong.code, ErrorCode::InvalidInput);
}

async fn run_of(town: &Town, ada: &Agent) {
    town.install(ada, &plain(), None).await;
    run(ada).await;
}
