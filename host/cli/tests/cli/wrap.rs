//! A SKILL.md on the command line: what is shown of it, and what becomes of it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::desk::{Desk, Outcome, outcome};

/// SKILL.md files in many shapes.
fn snapshot() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../skills-sdk/kit/tests/skill_md")
}

/// As somebody types it who stands beside the files.
fn typed(desk: &Desk, words: &[&str]) -> Outcome {
    outcome(desk.command().current_dir(snapshot()).args(words))
}

fn json(desk: &Desk, words: &[&str]) -> Value {
    serde_json::from_str(&typed(desk, &[words, &["--json"]].concat()).stdout).unwrap()
}

/// A line of the body, and of a file beside it.
const PRIVATE: [&str; 2] = ["Look the article up", "copper kettle"];

#[test]
fn wrap_shows_what_peers_see_and_what_stays_without_showing_it() {
    let desk = Desk::empty();
    let said = typed(&desk, &["wrap", "with-files"]);
    assert_eq!((said.exit, said.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(said.stdout);
    let mut told = json(&desk, &["wrap", "with-files/SKILL.md"]);
    assert!(told["path"].take().as_str().unwrap().ends_with("/with-files/SKILL.md"));
    for part in PRIVATE {
        assert!(!said.stdout.contains(part) && !told.to_string().contains(part), "{part}");
    }
    insta::assert_json_snapshot!(told);
    assert!(!desk.data().exists(), "it needs no agent and makes none");
}

#[test]
fn the_owners_words_count_before_the_authors() {
    let desk = Desk::empty();
    let wishes = ["--name", "prices", "--when-to-use", "somebody asks", "--version", "3.0.0"];
    let card = json(&desk, &[&["wrap", "with-files"][..], &wishes].concat())["card"].take();
    assert_eq!((&card["name"], &card["version"]), (&"prices".into(), &"3.0.0".into()));
    assert_eq!(card["when_to_use"], "somebody asks");
    assert_eq!(typed(&desk, &["wrap", "with-files", "--name", "Big Name"]).exit, 2);
}

#[test]
fn what_was_previewed_is_installed() {
    let desk = Desk::with_agent("ada");
    let wishes = ["--name", "prices", "--when-to-use", "it's asked", "--version", "3.0.0"];
    let card = json(&desk, &[&["wrap", "with-files"][..], &wishes].concat())["card"].take();
    let next = typed(&desk, &[&["wrap", "with-files"][..], &wishes].concat()).stdout;
    let again = r"skill add with-files --name prices --when-to-use 'it'\''s asked' --version 3.0.0";
    assert!(next.contains(again), "{next}");
    let refused = json(&desk, &[&["skill", "add", "with-files"][..], &wishes].concat());
    assert!(refused["error"]["hint"].as_str().unwrap().contains(again), "{refused}");
    json(&desk, &[&["skill", "add", "with-files", "--yes"][..], &wishes].concat());
    let inspected = json(&desk, &["skill", "inspect", "prices"]);
    for part in ["name", "version", "when_to_use", "description", "input_schema"] {
        assert_eq!(inspected["skill"][part], card[part], "{part}: {inspected}");
    }
    for words in [&["skill", "add", "SKILL.wasm", "--name", "x"][..], &["serve", "--name", "x"]] {
        let refused = json(&desk, words);
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains("are for one SKILL.md"), "{refused}");
    }
}

#[test]
fn a_scan_lists_them_all_and_goes_on_after_a_bad_one() {
    let desk = Desk::empty();
    let told = json(&desk, &["wrap", ".", "--scan"]);
    assert_eq!((told["skills"].as_array().unwrap().len(), &told["refused"]), (23, &serde_json::json!([])));
    let dir = desk.data().with_file_name("bad");
    std::fs::create_dir_all(dir.join("a")).unwrap();
    std::fs::write(dir.join("a/SKILL.md"), "---\n- no\n- keys\n---\nDo it.").unwrap();
    let told = desk.json(&["wrap", dir.to_str().unwrap(), "--scan"]);
    assert!(told["refused"][0]["error"]["message"].as_str().unwrap().contains("not YAML"), "{told}");
    let alone = desk.json(&["wrap", dir.join("a").to_str().unwrap()]);
    assert_eq!(alone["error"]["code"], "BAD_COMPONENT");
}

#[test]
fn what_is_no_skill_md_says_what_to_do() {
    let desk = Desk::empty();
    let none = json(&desk, &["wrap", "."]);
    assert!(none["error"]["hint"].as_str().unwrap().contains("--scan"), "{none}");
    assert_eq!(typed(&desk, &["wrap", "nowhere"]).exit, 2);
    let project = desk.data().with_file_name("project");
    std::fs::create_dir_all(&project).unwrap();
    std::fs::write(project.join("skill.toml"), "").unwrap();
    let built = desk.json(&["wrap", project.to_str().unwrap()]);
    assert!(built["error"]["hint"].as_str().unwrap().starts_with("coworker skill build "), "{built}");
}

#[test]
fn adding_one_shows_what_it_asks_for_and_grants_it_the_model() {
    let desk = Desk::with_agent("ada");
    let refused = json(&desk, &["skill", "add", "with-files"]);
    assert!(refused["error"]["hint"].as_str().unwrap().contains("skill add with-files --yes"), "{refused}");
    let said = typed(&desk, &["skill", "add", "with-files", "--yes", "--expose"]);
    assert_eq!(said.exit, 0, "{}", said.stderr);
    for part in [
        "its instructions and 3 files beside it: peers see none of it",
        "its author says: its instructions are carried out by your language model",
        "you grant it from INTERNAL",
        "read the files packed with it              always granted",
        "there is no language model yet",
        "coworker llm",
        "callers below INTERNAL will see it, but have no language model",
        "✓ with-files installed, exposed from KNOWN",
    ] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    let inspected = typed(&desk, &["skill", "inspect", "with-files"]).stdout;
    for part in ["packed      a SKILL.md and 3 files beside it", "granted     llm from INTERNAL"] {
        assert!(inspected.contains(part), "{part}: {inspected}");
    }
    let inspected = json(&desk, &["skill", "inspect", "with-files"]);
    assert_eq!((&inspected["skill_md"], inspected["assets"].as_array().unwrap().len()), (&true.into(), 6));
    let again = json(&desk, &["skill", "add", "with-files/SKILL.md", "--yes"]);
    assert_eq!((&again["already"], again["warnings"].as_array().unwrap().len()), (&true.into(), 4));
    for part in PRIVATE {
        assert!(!said.stdout.contains(part) && !inspected.to_string().contains(part), "{part}");
    }
}

#[test]
fn without_a_model_a_call_fails_and_its_owner_reads_why() {
    let desk = Desk::with_agent("ada");
    typed(&desk, &["skill", "add", "plain", "--yes"]);
    let ran = json(&desk, &["skill", "run", "plain", r#"{"input": "Notes."}"#]);
    assert_eq!(ran["error"]["code"], "SKILL_FAILED", "{ran}");
    assert!(ran["error"]["message"].as_str().unwrap().contains("does not answer now"), "{ran}");
    let said = typed(&desk, &["skill", "run", "plain", r#"{"input": "Notes."}"#]);
    assert!(
        said.stderr.contains("no language model is set up here; check it with `coworker llm`"),
        "{}",
        said.stderr
    );
    let wrong = json(&desk, &["skill", "run", "plain", r#"{"question": "Notes."}"#]);
    assert_eq!(wrong["error"]["code"], "INVALID_INPUT", "{wrong}");
}

#[test]
fn one_that_changed_takes_the_place_of_the_one_before() {
    let desk = Desk::with_agent("ada");
    let dir = desk.data().with_file_name("mine");
    std::fs::create_dir_all(&dir).unwrap();
    let write = |text: &str| std::fs::write(dir.join("SKILL.md"), text).unwrap();
    write("---\nname: mine\ndescription: First.\n---\nDo it in this way.");
    let path = dir.to_str().unwrap();
    desk.json(&["skill", "add", path, "--yes", "--expose", "--from", "internal"]);
    write("---\nname: mine\ndescription: Second.\n---\nDo it in another way.");
    let added = desk.json(&["skill", "add", path, "--yes"]);
    assert!(added["changes"][0].as_str().unwrap().contains("another description"), "{added}");
    assert_eq!(added["listing"]["exposed"]["from"], "internal", "{added}");
    assert_eq!(desk.json(&["skill", "list"])["skills"].as_array().unwrap().len(), 1);
}
