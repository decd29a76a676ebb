//! A served skill that asks a language model: `@copilotkit/aimock`, on loopback, with the faults that it offers.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::stage::{Agent, Outcome, Stage};

const PACKAGE: &str = "@copilotkit/aimock@1.43.0";
const KEY: &str = "sk-0f-ada-2b7e41";
/// What nobody but the owner may read.
const WORDS: &str = "their words";

/// The provider's folder, fetched once. `None` where there is no npm, and nobody counts on it.
#[expect(clippy::print_stderr, reason = "a test that cannot be run here says so")]
fn fetched() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_BIN_EXE_coworker")).ancestors().nth(2).unwrap().join("npm");
    let folder = target.join(PACKAGE.replace(['@', '/'], "-"));
    std::fs::create_dir_all(&target).unwrap();
    // Two tests at once would install into one folder.
    let turn = File::create(target.join("lock")).unwrap();
    turn.lock().unwrap();
    if folder.join("whole").exists() {
        return Some(folder);
    }
    let has_npm = Command::new("npm").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !has_npm && std::env::var_os("CI").is_none() {
        eprintln!("skipped: there is no npm here to fetch {PACKAGE} with");
        return None;
    }
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("package.json"), r#"{"private": true}"#).unwrap();
    let options = ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact"];
    let fetched = Command::new("npm").current_dir(&folder).args(options).arg(PACKAGE).status().unwrap();
    assert!(fetched.success(), "mend: npm install {PACKAGE}");
    std::fs::write(folder.join("whole"), "").unwrap();
    Some(folder)
}

/// A provider; killed when dropped.
struct Provider {
    child: Child,
    base: String,
}

impl Provider {
    fn start(folder: &Path, stage: &Stage) -> Self {
        let fixtures = stage.path().join("fixtures.json");
        std::fs::write(&fixtures, fixture().to_string()).unwrap();
        let mut command = Command::new("node");
        command
            .arg(folder.join("node_modules/.bin/llmock"))
            .args(["-p", "0", "--strict", "-f"])
            .arg(&fixtures);
        command.env("AIMOCK_API_KEYS", KEY).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let at = lines.find_map(|line| Some(line.split_once("listening on ")?.1.trim().to_owned()));
        // Read to the end, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, base: format!("{}/v1", at.unwrap()) }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is answered to whom, and how it goes wrong.
fn fixture() -> Value {
    let fault = |name: &str, more: Value| {
        let mut fixture = json!({ "match": { "userMessage": name }, "response": { "content": WORDS } });
        fixture.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fixture
    };
    let error = json!({ "error": { "message": WORDS, "type": "rate_limit_error" }, "status": 429 });
    let bad = json!({ "error": { "message": WORDS, "type": "invalid_request_error" }, "status": 400 });
    json!({ "fixtures": [
        { "match": { "userMessage": "q-good" }, "response": { "content": "forty-two, of course" }, "chunkSize": 5 },
        fault("q-limited", json!({ "response": error })),
        fault("q-refused", json!({ "response": bad })),
        fault("q-broken", json!({ "chaos": { "dropRate": 1 } })),
        fault("q-garbled", json!({ "chaos": { "malformedRate": 1 } })),
        fault("q-hung-up", json!({ "chaos": { "disconnectRate": 1 } })),
        fault("q-cut", json!({ "chunkSize": 2, "latency": 20, "truncateAfterChunks": 3 })),
    ] })
}

/// ada has a model with a key, a SKILL.md for it and a component that asks it; bob may call both.
fn town(stage: &Stage, provider: &Provider) -> (Agent, Agent) {
    let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
    let path = ada.data().join("config.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    let llm = format!("{config}\n[llm]\nbase_url = \"{}\"\nmodel = \"tiny\"\n", provider.base);
    std::fs::write(path, llm).unwrap();

    let refused = ada.fails(&["llm", "test"], 2, "USAGE");
    assert!(refused["message"].as_str().unwrap().contains("refuses the key"), "{refused}");
    let mut command = ada.command(&["llm", "set-key"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(KEY.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());

    let skill = stage.path().join("oracle");
    std::fs::create_dir_all(&skill).unwrap();
    let text = "---\nname: oracle\ndescription: Answers questions.\narguments: [question]\n---\nAnswer {question}.\n";
    std::fs::write(skill.join("SKILL.md"), text).unwrap();
    ada.does(&["skill", "add", skill.to_str().unwrap(), "--yes", "--expose", "--from", "internal"]);
    let think = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/guests/built/think.wasm");
    ada.does(&["skill", "add", think, "--yes", "--expose", "--from", "internal"]);
    ada.does(&["skill", "grant", "think", "llm"]);
    (ada, bob)
}

fn oracle(question: &str) -> String {
    json!({ "question": question }).to_string()
}

fn think(question: &str, emit: bool) -> String {
    json!({ "questions": [{ "messages": [{ "content": question }], "emit": emit }] }).to_string()
}

/// All of bob's calls at once: most of them wait for a provider that wants to be asked later.
fn at_once<'a>(bob: &Agent, calls: &[(&'a str, &'a str, String)]) -> Vec<Outcome> {
    std::thread::scope(|scope| {
        let call = |(skill, _, input): &(&str, &str, String)| {
            let words = ["call", "ada", *skill, input].map(str::to_owned);
            scope.spawn(move || bob.run(&words.each_ref().map(String::as_str)))
        };
        let calls: Vec<_> = calls.iter().map(call).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

#[test]
fn a_model_answers_and_its_faults_reach_a_peer_without_its_providers_words() {
    let Some(folder) = fetched() else { return };
    let stage = Stage::new();
    let provider = Provider::start(&folder, &stage);
    let (ada, bob) = town(&stage, &provider);
    let serving = [ada.serve(), bob.serve()];
    bob.connects(&ada);
    ada.does(&["trust", "set", "bob", "internal"]);

    let good = bob.does(&["call", "ada", "oracle", &oracle("q-good")]);
    assert_eq!(good["output"]["result"], "forty-two, of course", "{good}");
    for emit in [true, false] {
        let good = bob.does(&["call", "ada", "think", &think("q-good", emit)]);
        assert_eq!(good["output"][0]["text"], "forty-two, of course", "{good}");
    }

    let faults = ["q-limited", "q-broken", "q-hung-up", "q-garbled", "q-refused", "q-cut"];
    let asked = faults.map(|fault| [("oracle", fault, oracle(fault)), ("think", fault, think(fault, true))]);
    let asked: Vec<_> = asked.into_iter().flatten().collect();
    let mut told = good.to_string();
    for ((skill, fault, _), outcome) in asked.iter().zip(at_once(&bob, &asked)) {
        told.push_str(&outcome.stdout);
        if *skill == "oracle" {
            let code = if *fault == "q-refused" { "INVALID_INPUT" } else { "SKILL_FAILED" };
            let found = (outcome.exit, &outcome.document["error"]["code"]);
            assert_eq!(found, (1, &code.into()), "{fault}: {}", outcome.stdout);
            continue;
        }
        let name = match *fault {
            "q-garbled" => "other",
            "q-refused" => "invalid",
            _ => "unavailable",
        };
        assert_eq!(outcome.document["output"][0]["error"], name, "{fault}: {}", outcome.stdout);
    }
    for private in [WORDS, "Chaos", KEY, "127.0.0.1", "tiny"] {
        assert!(!told.contains(private), "{private}: {told}");
    }

    let log = ada.does(&["audit", "log", "--limit", "200"]).to_string();
    assert_eq!(log.matches("\"model_asked\"").count(), 3 + asked.len(), "{log}");
    drop(serving);
    for words in [&["llm"][..], &["status"], &["doctor"], &["audit", "log"]] {
        assert!(!ada.run(words).stdout.contains(KEY));
    }
    // In the file that it is for, and nowhere else; what was said, in no log.
    assert_eq!(holding(stage.path(), KEY), [ada.data().join("llm.key")]);
    assert!(holding(bob.data(), WORDS).is_empty());
    assert!(!log.contains(WORDS) && !log.contains("forty-two"), "{log}");
}

/// Every file at or below a place that holds the text.
fn holding(place: &Path, text: &str) -> Vec<PathBuf> {
    if place.is_dir() {
        let entries = std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
        return entries.flat_map(|path| holding(&path, text)).collect();
    }
    // The control socket is no file to read.
    let bytes = std::fs::read(place).unwrap_or_default();
    let held = bytes.windows(text.len()).any(|window| window == text.as_bytes());
    if held { vec![place.to_owned()] } else { Vec::new() }
}
