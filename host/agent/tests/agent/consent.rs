//! The owner's consent: folders as they are, files once they are complete, and denials.

use std::io::Write as _;
use std::time::Duration;

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ApiError;
use coworker_api::ops::{
    SkillAdd, SkillConfigure, SkillGrant, SkillInspect, SkillLook, SkillPolicy, SkillRemove, SkillRevoke,
    SkillRun, Status,
};
use coworker_policy::{Capability, ErrorCode, Tier};
use serde_json::json;

use crate::guest::{FETCH, folders, plain, removes, who};
use crate::harness::{Town, call, connect, log, set_tier};

fn grant(skill: &str, capability: Capability, to: &str) -> SkillGrant {
    SkillGrant { name: skill.into(), capability, to: vec![to.to_owned()], from: None }
}

async fn grants(agent: &Agent, skill: &str) -> Vec<String> {
    SkillPolicy { name: skill.into() }.run(agent).await.unwrap().grants
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_granted_by_its_real_path_and_must_exist() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let skill = town.install(&ada, &folders(), None).await.to_string();
    let root = town.dir.path().canonicalize().unwrap();
    let (real, link) = (root.join("prices"), root.join("link"));

    let error = grant(&skill, Capability::Files, &format!("read {}", real.display())).run(&ada).await;
    let error = error.unwrap_err();
    assert_eq!(error.code, ErrorCode::Usage);
    assert!(error.message.contains("there is no folder") && !error.hints.is_empty(), "{error}");
    std::fs::write(&real, "").unwrap();
    let error = grant(&skill, Capability::Files, &format!("read {}", real.display())).run(&ada).await;
    assert!(error.unwrap_err().message.contains("is not a folder"));
    assert_eq!(grants(&ada, &skill).await, [""; 0]);
    std::fs::remove_file(&real).unwrap();

    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let by_link = format!("read {}", link.display());
    let granted = grant(&skill, Capability::Files, &by_link).run(&ada).await.unwrap();
    assert_eq!(granted.resolved[0].typed, link);
    assert_eq!(granted.resolved[0].folder, real);
    assert_eq!(granted.policy.grants, [format!("files read {} from INTERNAL", real.display())]);
    let revoke = SkillRevoke { name: skill.clone(), capability: Capability::Files, to: Some(by_link) };
    assert_eq!(revoke.run(&ada).await.unwrap().grants, [""; 0], "the same words take it back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_gone_is_told_and_granting_it_anew_says_why() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let skill = town.install(&ada, &folders(), Some(Tier::Known)).await.to_string();
    let folder = town.dir.path().canonicalize().unwrap().join("prices");
    std::fs::create_dir(&folder).unwrap();
    let rule = format!("read {}", folder.display());
    grant(&skill, Capability::Files, &rule).run(&ada).await.unwrap();
    let runs = async || {
        let run = SkillRun { name: skill.clone(), input: "1".into(), tier: Some(Tier::Internal) };
        run.run(&ada).await.unwrap();
        log(&ada).await.into_iter().find(|entry| entry.event == "access_denied")
    };
    assert!(runs().await.is_none());

    std::fs::remove_dir(&folder).unwrap();
    let denied = runs().await.unwrap().detail.unwrap();
    assert_eq!(denied["grant"], format!("coworker skill grant {skill} files '{rule}'"));
    let error = grant(&skill, Capability::Files, &rule).run(&ada).await.unwrap_err();
    assert!(error.message.contains("there is no folder"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_not_granted_is_told_with_the_grant_that_was_missing() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let skill = town.install(&ada, &removes(), Some(Tier::Known)).await.to_string();
    let folder = town.dir.path().canonicalize().unwrap().join("prices");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("note"), "").unwrap();
    let (read, write) = (format!("read {}", folder.display()), format!("write {}", folder.display()));
    let runs = async |tier| {
        let run = SkillRun { name: skill.clone(), input: "1".into(), tier: Some(tier) };
        run.run(&ada).await.unwrap();
        let rows = log(&ada).await.into_iter().filter(|entry| entry.event == "access_denied");
        let grants = rows.map(|row| row.detail.unwrap()["grant"].as_str().unwrap().to_owned());
        (grants.collect::<Vec<_>>(), folder.join("note").exists())
    };
    let line = format!("coworker skill grant {skill} files '{write}'");
    grant(&skill, Capability::Files, &read).run(&ada).await.unwrap();
    assert_eq!(runs(Tier::Privileged).await, (vec![line.clone()], true));
    grant(&skill, Capability::Files, &write).run(&ada).await.unwrap();
    let lines = [format!("{line} --from internal"), line];
    assert_eq!(runs(Tier::Internal).await, (lines.to_vec(), true), "its tier only reads");
    assert_eq!(runs(Tier::Privileged).await, (lines.to_vec(), false), "as the first line said");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_view_of_a_policy_is_whole() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let skill = town.install(&ada, FETCH, None).await.to_string();
    grant(&skill, Capability::Http, "GET http://127.0.0.1:80/").run(&ada).await.unwrap();
    grant(&skill, Capability::Http, "GET https://a.example/").run(&ada).await.unwrap();
    SkillRevoke { name: skill.clone(), capability: Capability::Log, to: None }.run(&ada).await.unwrap();
    let (name, key, value) = (skill.clone(), "currency".to_owned(), Some("EUR".to_owned()));
    SkillConfigure::Value { name, key, value }.run(&ada).await.unwrap();
    let (name, key, value) = (skill.clone(), "output_kib".to_owned(), Some(8));
    SkillConfigure::Limit { name, tier: Tier::Known, key, value }.run(&ada).await.unwrap();

    let policy = SkillPolicy { name: skill }.run(&ada).await.unwrap();
    assert_eq!(policy.grants.len(), 1, "{policy:?}");
    assert_eq!(policy.private, policy.grants, "{policy:?}");
    assert!(policy.denied.contains(Capability::Log));
    assert_eq!(json!(policy.limits), json!({ "known": { "output_kib": 8 } }));
    assert_eq!(policy.config["currency"], "EUR");
    assert_eq!(policy.broken, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_that_no_call_reaches_are_told_before_and_after() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let path = town.path("component.wasm");
    std::fs::write(&path, plain()).unwrap();
    let looked = SkillLook { path: path.clone() }.run(&ada).await.unwrap();
    assert_eq!(looked.unused_exports, [""; 0]);
    SkillAdd { path, agreed: looked.digest, expose: None }.run(&ada).await.unwrap();
    let inspected = SkillInspect { name: "plain".into() }.run(&ada).await.unwrap();
    assert_eq!((inspected.skill.component, inspected.unused_exports), (looked.digest, Vec::new()));
    let unknown = SkillInspect { name: "other".into() }.run(&ada).await.unwrap_err();
    assert_eq!(unknown.code, ErrorCode::UnknownSkill);
}

/// The first half of the file would let KNOWN callers in: without its `from`, a skill is shown to them.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_file_is_never_in_force() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    ada.serve().await.unwrap();
    town.install(&ada, &plain(), Some(Tier::Internal)).await;
    connect(&bob, &ada).await;
    set_tier(&ada, bob.peer_id(), Tier::Known).await;
    let file = SkillPolicy { name: "plain".into() }.run(&ada).await.unwrap().path;
    let whole = std::fs::read_to_string(&file).unwrap();
    let half = whole.find("from = ").unwrap();
    assert!(whole[..half].contains("exposed = true"));

    let writes = tokio::task::spawn_blocking(move || {
        for _ in 0..20 {
            let mut editor = std::fs::File::create(&file).unwrap();
            editor.write_all(&whole.as_bytes()[..half]).unwrap();
            editor.sync_all().unwrap();
            std::thread::sleep(Duration::from_millis(60));
            editor.write_all(&whole.as_bytes()[half..]).unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let mut n = 0_u64;
    while !writes.is_finished() {
        n += 1;
        let answer = call(&bob, ada.peer_id(), "plain", "1").await;
        assert!(matches!(answer, Err(ApiError { code: ErrorCode::UnknownSkill, .. })), "{answer:?}");
        // A command reads the file, too, and would write the half of it down for good.
        let (name, key) = ("plain".to_owned(), "n".to_owned());
        let _ = SkillConfigure::Value { name, key, value: Some(n.to_string()) }.run(&ada).await;
    }
    writes.await.unwrap();
    assert!(n > 0);
    let policy = SkillPolicy { name: "plain".into() }.run(&ada).await.unwrap();
    assert_eq!(policy.broken, None);
    let run = SkillRun { name: "plain".into(), input: "1".into(), tier: Some(Tier::Internal) };
    run.run(&ada).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_of_a_file_that_cannot_be_used() {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &plain(), Some(Tier::Known)).await;
    let file = SkillPolicy { name: "plain".into() }.run(&ada).await.unwrap().path;
    assert_eq!(Status {}.run(&ada).await.unwrap().broken_policies, [""; 0]);
    ada.close().await;
    drop(ada);
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, whole + "\n[limits.known]\nfuel = 0\n").unwrap();

    let ada = town.open("ada").await;
    let status = Status {}.run(&ada).await.unwrap();
    assert!(status.broken_policies[0].contains("[limits.known] fuel = 0"), "{status:?}");
    assert!(status.broken_policies[0].contains("line "), "{status:?}");
    assert_eq!(status.skills_exposed, 0, "what cannot be read shows nothing");
    let view = SkillPolicy { name: "plain".into() }.run(&ada).await.unwrap();
    assert!(view.broken.is_some() && view.grants.is_empty());
}

async fn fetches(agent: &Agent, tier: Tier) {
    let input = json!({ "requests": [{ "authority": "a.example", "path": "/v1?secret=1" }] }).to_string();
    SkillRun { name: "fetch".into(), input, tier: Some(tier) }.run(agent).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_denial_is_written_down_once_with_its_fix() {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, FETCH, Some(Tier::Known)).await;
    for _ in 0..40 {
        fetches(&ada, Tier::Known).await;
    }
    let denials = async || -> Vec<_> {
        let rows = log(&ada).await.into_iter().filter(|entry| entry.event == "access_denied");
        rows.map(|entry| entry.detail.unwrap()).collect()
    };
    let rows = denials().await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    let line = "coworker skill grant fetch http 'GET http://a.example/v1' --from known";
    assert_eq!(rows[0]["grant"], line);
    let calls = log(&ada).await.into_iter().filter(|entry| entry.event == "call");
    assert!(calls.map(|entry| entry.detail.unwrap()).all(|detail| detail["denied"] == 1), "each call counts");

    // After a change of policy the same denial says something else.
    let path = SkillPolicy { name: "fetch".into() }.run(&ada).await.unwrap().path;
    let (name, key) = ("fetch".to_owned(), "a".to_owned());
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + "\n[[deny]]\ncapability = \"http\"\n").unwrap();
    SkillConfigure::Value { name, key, value: Some("1".to_owned()) }.run(&ada).await.unwrap();
    fetches(&ada, Tier::Known).await;
    let rows = denials().await;
    assert_eq!((rows.len(), &rows[0]["grant"]), (2, &json!(null)));
    assert_eq!(rows[0]["mend"], "take the [[deny]] of http out of policy.toml");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_over_its_pace_does_not_fill_the_audit_log() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, &plain(), Some(Tier::Untrusted)).await;
    connect(&bob, &ada).await;
    let mut refused = 0;
    for _ in 0..200 {
        refused += u32::from(call(&bob, ada.peer_id(), "plain", "1").await.is_err());
    }
    assert!(refused >= 100, "{refused}");
    let rows = log(&ada).await.into_iter().filter(|entry| entry.event == "call_refused").count();
    assert!(rows < 60, "at most one a second, not {rows}");
}

/// A skill's name for its caller keys its private state.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_keeps_its_name_when_another_component_takes_the_place() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    connect(&bob, &ada).await;
    town.install(&ada, &who(2), Some(Tier::Untrusted)).await;
    let name = async || call(&bob, ada.peer_id(), "whois", "1").await.unwrap().output;
    let before = name().await;

    let newer = town.path("newer.wasm");
    std::fs::write(&newer, who(3)).unwrap();
    let look = SkillLook { path: newer.clone() }.run(&ada).await.unwrap();
    assert!(look.replaces.is_some());
    SkillAdd { path: newer, agreed: look.digest, expose: None }.run(&ada).await.unwrap();
    assert_eq!(name().await, before);

    SkillRemove { name: "whois".into() }.run(&ada).await.unwrap();
    town.install(&ada, &who(3), Some(Tier::Untrusted)).await;
    assert_ne!(name().await, before, "what was removed is not known again");
}
