//! The author's commands, as far as they need no compiler: the components are there already.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::desk::{Desk, example};

const REDACT: &str = r#"
[[case]]
name = "hides an address"
input = { text = "Write to jo.ann@example.org, please." }
contains = { text = "Write to [email], please." }
"#;

/// A skill whose component other tools made, in a folder `mine` of the desk.
fn project(desk: &Desk, name: &str, manifest: &str, cases: &str) -> PathBuf {
    let dir = desk.data().with_file_name("mine");
    fs::create_dir_all(dir.join("tests")).unwrap();
    let component = if name == "fetch" { "../../tests/guests/built/fetch" } else { name };
    fs::copy(example(component), dir.join("made.wasm")).unwrap();
    let head = format!("name = \"{name}\"\nversion = \"0.1.0\"\n");
    fs::write(dir.join("skill.toml"), format!("{head}{manifest}\n[build]\ncomponent = \"made.wasm\"\n"))
        .unwrap();
    fs::write(dir.join("tests/cases.toml"), cases).unwrap();
    dir
}

fn tested(desk: &Desk, cases: &str) -> Value {
    let dir = project(desk, "redact", "", cases);
    desk.json(&["skill", "test", dir.to_str().unwrap()])
}

#[test]
fn a_new_skill_takes_no_place_that_is_taken_and_no_odd_name() {
    let desk = Desk::empty();
    let here = desk.data().with_file_name("desk");
    fs::create_dir_all(here.join("taken")).unwrap();
    let new = |name: &str| {
        let output = desk.command().current_dir(&here).args(["skill", "new", name]).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (exit, said) = new("quote");
    assert_eq!(exit, Some(0), "{said}");
    for part in ["skill.toml", "tests/examples.toml", "coworker skill test quote"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(here.join("quote/sdk/src/lib.rs").is_file());
    for (name, told) in
        [("taken", "already a `taken`"), ("quote", "already a `quote`"), ("Big", "a-z"), ("../up", "a-z")]
    {
        let (exit, said) = new(name);
        assert_eq!((exit, said.contains(told)), (Some(2), true), "{name}: {said}");
    }
    assert_eq!(fs::read_dir(here.join("taken")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(&here).unwrap().count(), 2);
}

#[test]
fn a_component_of_any_tool_is_packed_with_its_skill_toml_and_assets() {
    let desk = Desk::with_agent("ada");
    let asks = "[[request]]\ncapability = \"log\"\nwhy = \"tells what it found\"\n";
    let dir = project(&desk, "redact", asks, "");
    fs::create_dir(dir.join("assets")).unwrap();
    fs::write(dir.join("assets/words.txt"), "secret").unwrap();
    let path = dir.to_str().unwrap();
    let said = desk.run(&["skill", "build", path]);
    assert_eq!(said.exit, 0, "{}", said.stderr);
    for part in
        ["redact.wasm", "sha256:", "skills   redact 0.1.0", "imports  coworker:skill/", "coworker skill add "]
    {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    let packed = fs::read(dir.join("redact.wasm")).unwrap();
    for part in ["tells what it found", "words.txt"] {
        assert!(packed.windows(part.len()).any(|found| found == part.as_bytes()), "{part}");
    }
    let added = desk.json(&["skill", "add", path, "--yes"]);
    assert_eq!(added["asks"][0]["why"], "tells what it found", "{added}");
    assert_eq!(desk.json(&["skill", "build", path])["digest"], added["digest"]);
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 5, "nothing else is left in the folder");
}

#[test]
fn settings_that_an_author_packed_are_shown_before_they_are_set() {
    let desk = Desk::with_agent("ada");
    let defaults = "[defaults]\ncurrency = \"EUR\"\nnote = \"two\\nlines\"\n";
    let dir = project(&desk, "redact", defaults, "");
    let path = dir.to_str().unwrap();
    assert_eq!(desk.run(&["skill", "build", path]).exit, 0);
    let asked = desk.run(&["skill", "add", path]);
    assert_ne!(asked.exit, 0, "nobody agreed");
    let block = "It brings these settings along, for you to change:\n  currency = EUR\n  note = two lines\n";
    for said in [asked, desk.run(&["skill", "add", path, "--yes"])] {
        assert!(said.stdout.contains(block), "{}{}", said.stdout, said.stderr);
        assert!(said.stdout.contains("coworker skill configure redact KEY VALUE"), "{}", said.stdout);
    }
    let policy = desk.json(&["skill", "policy", "redact"]);
    assert_eq!(policy["config"], json!({ "currency": "EUR", "note": "two\nlines" }), "{policy}");
    // What is the owner's by now is not shown as if it came along.
    let again = desk.run(&["skill", "add", path, "--yes"]);
    assert!(!again.stdout.contains("settings along"), "{}", again.stdout);
}

#[test]
fn what_is_no_component_is_not_packed_and_leaves_what_was_built() {
    let desk = Desk::empty();
    let dir = project(&desk, "redact", "", "");
    fs::write(dir.join("redact.wasm"), "before").unwrap();
    fs::write(dir.join("made.wasm"), "just text").unwrap();
    let refused = desk.json(&["skill", "build", dir.to_str().unwrap()]);
    assert_eq!(refused["error"]["code"], "BAD_COMPONENT", "{refused}");
    assert_eq!(fs::read(dir.join("redact.wasm")).unwrap(), b"before");
    fs::remove_file(dir.join("made.wasm")).unwrap();
    let refused = desk.json(&["skill", "build", dir.to_str().unwrap()]);
    assert!(refused["error"]["hint"].as_str().unwrap().contains("own tools"), "{refused}");
}

#[test]
fn cases_run_as_every_tier_that_sees_the_skill() {
    let desk = Desk::empty();
    let stranger = "[[case]]\nas = \"untrusted\"\ninput = { text = \"a\" }\nerror = \"UNKNOWN_SKILL\"\n";
    let done = tested(&desk, &format!("{REDACT}{stranger}"));
    assert_eq!((&done["passed"], &done["failed"]), (&4.into(), &0.into()), "{done}");
    let tiers: Vec<_> =
        done["cases"][0]["calls"].as_array().unwrap().iter().map(|call| &call["tier"]).collect();
    assert_eq!(tiers, ["known", "internal", "privileged"]);
    assert!(!desk.data().exists(), "an author needs no agent");
}

#[test]
fn a_case_that_fails_says_where_and_ends_with_one() {
    let desk = Desk::empty();
    let wrong = REDACT.replace("[email]", "nobody");
    let failed = tested(&desk, &wrong);
    assert_eq!(failed["error"]["code"], "SKILL_FAILED", "{failed}");
    let difference = &failed["cases"][0]["calls"][0]["differences"][0];
    assert_eq!(difference["at"], "output.text");
    assert_eq!(difference["expected"], json!("Write to nobody, please."));
    let said = desk.run(&["skill", "test", desk.data().with_file_name("mine").to_str().unwrap()]);
    assert_eq!(said.exit, 1);
    for part in ["✗ hides an address  KNOWN", "- \"Write to nobody", "+ \"Write to [", "3 failed"] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
}

#[test]
fn cases_get_the_grants_that_their_file_gives_and_no_others() {
    let desk = Desk::empty();
    let case = |tier: &str, error: &str| {
        format!(
            "[[case]]\nas = \"{tier}\"\n\
             input = {{ requests = [{{ authority = \"127.0.0.1:9\", path = \"/\" }}] }}\n\
             contains = [{{ error = \"{error}\" }}]\n"
        )
    };
    let grant =
        "[[grant]]\ncapability = \"http\"\nto = [\"GET http://127.0.0.1:9/*\"]\nfrom = \"internal\"\n";
    let cases = case("known", "HttpRequestDenied") + &case("internal", "ConnectionRefused");
    let dir = project(&desk, "fetch", "", &format!("{grant}{cases}"));
    let done = desk.json(&["skill", "test", dir.to_str().unwrap()]);
    assert_eq!((&done["passed"], &done["failed"]), (&2.into(), &0.into()), "{done}");
    let warning = done["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("it imports http"), "{warning}");
}

#[test]
fn a_grant_that_the_component_cannot_use_is_told_with_its_file() {
    let desk = Desk::empty();
    let grant = "[[grant]]\ncapability = \"http\"\nto = [\"GET https://api.example.com/*\"]\n";
    let refused = tested(&desk, &format!("{grant}{REDACT}"));
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("tests/cases.toml: ") && message.contains("does not import http"),
        "{refused}"
    );
    let unknown = tested(&desk, &format!("{REDACT}skill = \"other\"\n"));
    assert!(
        unknown["error"]["message"].as_str().unwrap().contains("no skill `other`, but redact"),
        "{unknown}"
    );
}

#[test]
fn a_folder_without_cases_or_without_a_skill_says_what_to_write() {
    let desk = Desk::with_agent("ada");
    let dir = project(&desk, "redact", "", "");
    fs::remove_file(dir.join("tests/cases.toml")).unwrap();
    let none = desk.json(&["skill", "test", dir.to_str().unwrap()]);
    assert!(none["error"]["hint"].as_str().unwrap().contains("tests/examples.toml"), "{none}");
    fs::remove_file(dir.join("skill.toml")).unwrap();
    for command in ["build", "test", "add"] {
        let absent = desk.json(&["skill", command, dir.to_str().unwrap()]);
        assert!(
            absent["error"]["message"].as_str().unwrap().contains("no skill.toml"),
            "{command}: {absent}"
        );
    }
}
