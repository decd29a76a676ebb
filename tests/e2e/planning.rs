//! A goal whose plan a language model makes: a provider in this process that says what a test wrote.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::stage::{Agent, Stage};

/// What ada is to take out, and the model is not to be told in full.
const ADDRESS: &str = "jo@example.org";

/// Answers each question with the next of the texts; returns the base URL.
fn provider(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for text in answers {
            let Ok((socket, _)) = listener.accept() else { return };
            say(socket, &text);
        }
    });
    base
}

fn say(mut socket: TcpStream, text: &str) {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    // The question ends with its JSON.
    while !whole(&bytes) {
        let length = socket.read(&mut chunk).unwrap();
        bytes.extend_from_slice(&chunk[..length]);
    }
    let choices = json!([{ "message": { "content": text }, "finish_reason": "stop" }]);
    let usage = json!({ "prompt_tokens": 700, "completion_tokens": 112 });
    let body = json!({ "choices": choices, "usage": usage }).to_string();
    let length = body.len();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    socket.write_all(answer.as_bytes()).unwrap();
}

fn whole(bytes: &[u8]) -> bool {
    let at = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    at.is_some_and(|at| serde_json::from_slice::<Value>(&bytes[at + 4..]).is_ok())
}

fn plan(skill: &str) -> String {
    let step = json!({ "id": "clean", "key_result": "safe", "agent": "a1", "skill": skill,
                       "input": { "text": { "$from": "goal" } } });
    json!({ "key_results": [{ "id": "safe", "text": "No address is in it." }], "steps": [step] }).to_string()
}

/// cy, who has this model, and ada, who redacts.
fn pair(stage: &Stage, base: &str) -> (Agent, Agent) {
    let (ada, cy) = (stage.agent("ada"), stage.agent("cy"));
    ada.installs("redact", Some("known"));
    let path = cy.data().join("config.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, format!("{config}\n[llm]\nbase_url = \"{base}\"\nmodel = \"tiny\"\n")).unwrap();
    (ada, cy)
}

#[test]
fn a_model_plans_what_is_carried_out_and_the_words_do_where_it_cannot() {
    let stage = Stage::new();
    // The first plan is good, the second names what nobody shows, twice.
    let base = provider(vec![plan("redact"), plan("delete-all"), plan("delete-all")]);
    let (ada, cy) = pair(&stage, &base);
    let _serving = ada.serve();
    cy.connects(&ada);
    ada.does(&["trust", "set", "cy", "internal"]);

    let words = ["collaborate", "ada", "Redact the letter", "--input", ADDRESS];
    let done = cy.does(&[&words[..], &["--yes"]].concat());
    assert_eq!(done["outputs"]["clean"]["text"], "[email]", "{done}");
    let used = json!({ "questions": 1, "tokens": 812 });
    assert_eq!(done["cost"]["model"], used, "{done}");
    let id = done["id"].as_str().unwrap();
    assert_eq!(cy.does(&["goal", id])["cost"]["model"], used);

    let fallen = cy.does(&[&words[..], &["--plan-only"]].concat());
    assert_eq!(fallen["by"], "by the words of the goal: matched Redact", "{fallen}");
    let note = fallen["note"].as_str().unwrap();
    assert!(note.contains("ada shows no skill `delete-all`"), "{note}");
    // The provider is gone by now: nobody asks it.
    let plain = cy.does(&[&words[..], &["--plan-only", "--no-model"]].concat());
    assert_eq!((&plain["by"], &plain["note"]), (&fallen["by"], &Value::Null), "{plain}");
    let log = cy.does(&["audit", "log", "--limit", "200"]).to_string();
    assert_eq!(log.matches("\"plan_asked\"").count(), 3, "{log}");
    assert!(!log.contains(ADDRESS) && !log.contains("delete-all"), "{log}");
}
