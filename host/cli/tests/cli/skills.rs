use crate::desk::{Desk, example, outcome};

fn with_summarize() -> Desk {
    let desk = Desk::with_agent("ada");
    let added = desk.json(&["skill", "add", &example("summarize"), "--yes"]);
    assert_eq!(added["ok"], true, "{added}");
    desk
}

#[test]
fn adding_shows_what_the_component_is_and_asks_for() {
    let desk = Desk::with_agent("ada");
    let said = desk.run(&["skill", "add", &example("summarize"), "--yes"]);
    assert_eq!(said.exit, 0, "{}", said.stderr);
    for part in [
        "sha256:",
        "exports",
        "It asks for",
        "coworker:skill/call",
        "can never: send web requests, read files",
        "hidden",
    ] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    assert!(said.stdout.contains("coworker skill expose summarize"), "{}", said.stdout);
}

#[test]
fn adding_needs_the_owners_word_and_installs_nothing_without() {
    let desk = Desk::with_agent("ada");
    let refused = desk.json(&["skill", "add", &example("summarize")]);
    assert_eq!(refused["error"]["code"], "USAGE");
    assert!(refused["error"]["hint"].as_str().unwrap().contains("--yes"), "{refused}");
    assert_eq!(desk.json(&["skill", "list"])["skills"].as_array().unwrap().len(), 0);
}

#[test]
fn what_is_no_component_is_refused_and_leaves_nothing() {
    let desk = Desk::with_agent("ada");
    let text = desk.data().join("../foo.wasm");
    std::fs::write(&text, "just text").unwrap();
    for path in [text.to_str().unwrap(), "/no/such/file.wasm"] {
        let refused = desk.json(&["skill", "add", path, "--yes"]);
        assert_eq!(refused["error"]["code"], "BAD_COMPONENT", "{refused}");
        assert_eq!(desk.run(&["skill", "add", path, "--yes"]).exit, 1);
    }
    assert_eq!(desk.json(&["skill", "list"])["skills"].as_array().unwrap().len(), 0);
    assert_eq!(std::fs::read_dir(desk.data().join("components")).unwrap().count(), 0);
}

#[test]
fn a_skill_is_hidden_until_exposed_and_a_tier_sees_what_preview_says() {
    let desk = with_summarize();
    let seen = |tier: &str| {
        desk.json(&["skill", "preview", "--peer-tier", tier])["skills"].as_array().unwrap().len()
    };
    assert_eq!(desk.json(&["skill", "list"])["skills"][0]["listing"], "hidden");
    assert_eq!((seen("untrusted"), seen("privileged")), (0, 0));
    let exposed = desk.json(&["skill", "expose", "summarize", "--from", "known"]);
    assert_eq!(exposed["listing"]["exposed"]["from"], "known", "{exposed}");
    assert_eq!((seen("untrusted"), seen("known")), (0, 1));
    desk.json(&["skill", "hide", "summarize"]);
    assert_eq!(seen("privileged"), 0);
}

#[test]
fn a_run_prints_the_output_alone_and_hidden_skills_are_the_owners() {
    let desk = with_summarize();
    let input = r#"{"text": "One is here. Two is there. Three is gone. Four stays.", "sentences": 1}"#;
    let said = desk.run(&["skill", "run", "summarize", input]);
    assert_eq!(said.exit, 0, "{}", said.stderr);
    let output: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(output["sentences"], 1);

    let ran = desk.json(&["skill", "run", "summarize", input]);
    assert_eq!(ran["output"], output);
    assert!(ran["fuel_used"].as_u64().unwrap() > 0 && ran["id"].is_string(), "{ran}");

    let from_stdin = outcome(desk.command().args(["skill", "run", "summarize", "-"]).write_stdin(input));
    assert_eq!(from_stdin.stdout, said.stdout);

    let hidden = desk.json(&["skill", "run", "summarize", input, "--as", "privileged"]);
    let none = desk.json(&["skill", "run", "nothing", input, "--as", "privileged"]);
    assert_eq!(hidden["error"]["code"], "UNKNOWN_SKILL");
    assert_eq!(hidden, none);
}

#[test]
fn input_that_does_not_fit_is_refused_by_the_schema() {
    let desk = with_summarize();
    let refused = desk.json(&["skill", "run", "summarize", r#"{"txet": "x"}"#]);
    assert_eq!(refused["error"]["code"], "INVALID_INPUT", "{refused}");
    assert_eq!(desk.run(&["skill", "run", "summarize"]).exit, 1, "an absent input is an empty object");
}

#[test]
fn inspect_tells_the_contract_and_the_audit_log_the_call() {
    let desk = with_summarize();
    let said = desk.run(&["skill", "inspect", "summarize"]);
    for part in ["text", "string", "sentences", "integer, 1 to 20, default 3", "sha256:"] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    desk.json(&["skill", "run", "summarize", r#"{"text": "Hello there."}"#]);
    let log = desk.json(&["audit", "log", "--skill", "summarize", "--limit", "1"]);
    let entry = &log["entries"][0];
    assert_eq!((&entry["event"], &entry["detail"]["outcome"]), (&"call".into(), &"ok".into()), "{log}");
    assert!(entry["permit"]["limits"]["fuel"].is_u64() && entry["permit"]["grants"].is_array(), "{entry}");
    assert!(desk.run(&["audit", "log"]).stdout.contains("PRIVILEGED, grants"));
}

#[test]
fn removing_needs_the_owners_word() {
    let desk = with_summarize();
    assert_eq!(desk.json(&["skill", "remove", "summarize"])["error"]["code"], "USAGE");
    assert_eq!(desk.json(&["skill", "remove", "summarize", "--yes"])["skills"][0], "summarize");
    let gone = desk.json(&["skill", "remove", "summarize", "--yes"]);
    assert_eq!(gone["error"]["code"], "UNKNOWN_SKILL");
}

/// A component that imports http.
fn fetch() -> String {
    example("../../tests/guests/built/fetch")
}

#[test]
fn what_is_allowed_at_once_is_granted_and_what_cannot_be_installs_nothing() {
    let desk = Desk::with_agent("ada");
    let add = |file: &str, allow: &str| desk.json(&["skill", "add", file, "--yes", "--allow", allow]);
    for (file, allow, why) in [
        (fetch(), "http=GET", "is not a web request"),
        (fetch(), "files=read /tmp", "does not import files"),
        (example("summarize"), "http=GET https://api.example.com/*", "does not import http"),
    ] {
        let refused = add(&file, allow);
        assert_eq!(refused["error"]["code"], "USAGE", "{refused}");
        assert!(refused["error"]["message"].as_str().unwrap().contains(why), "{refused}");
    }
    assert_eq!(desk.json(&["skill", "list"])["skills"].as_array().unwrap().len(), 0);

    assert!(desk.run(&["skill", "add", &fetch()]).stdout.contains("not granted; you may, from INTERNAL"));
    assert_eq!(add(&fetch(), "http=GET https://api.example.com/*")["ok"], true);
    let policy = desk.json(&["skill", "inspect", "fetch"])["policy"].take();
    assert_eq!(policy["grants"], serde_json::json!(["http GET https://api.example.com/* from INTERNAL"]));
    let revoked = desk.json(&["skill", "revoke", "fetch", "http", "GET https://api.example.com/*"]);
    assert_eq!(revoked["grants"], serde_json::json!([]));
}

#[test]
fn a_secret_comes_from_standard_input_and_is_shown_nowhere() {
    let desk = Desk::with_agent("ada");
    assert_eq!(desk.json(&["skill", "add", &fetch(), "--yes"])["ok"], true);
    let keep = ["skill", "configure", "fetch", "--secret", "API_KEY"];
    let kept = outcome(desk.command().args(keep).write_stdin("s3cr3t-value\n"));
    assert_eq!(kept.exit, 0, "{}", kept.stderr);
    let log = desk.json(&["audit", "log", "--limit", "1"]);
    assert_eq!(log["entries"][0]["event"], "skill_secret", "{log}");
    let said = format!("{}{log}{}", kept.stdout, desk.json(&["skill", "policy", "fetch"]));
    assert!(said.contains("API_KEY") && !said.contains("s3cr3t"), "{said}");
    assert_eq!(outcome(desk.command().args(keep).write_stdin("")).exit, 2);
}
