use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use crate::desk::{Desk, outcome};

const KEY: &str = "sk-0f-ada-55e1";

fn configure(desk: &Desk, llm: &str) {
    let path = desk.data().join("config.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, format!("{config}\n[llm]\n{llm}\n")).unwrap();
}

/// Answers one request with `body`, and returns what was asked.
fn provider(status: &'static str, body: &'static str) -> (u16, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut asked = String::new();
        while !asked.ends_with('}') {
            let mut piece = [0; 4096];
            let length = socket.read(&mut piece).unwrap();
            asked.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        }
        let length = body.len();
        write!(socket, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
            .unwrap();
        asked
    });
    (port, serving)
}

fn local(port: u16) -> String {
    format!("base_url = \"http://127.0.0.1:{port}/v1\"\nmodel = \"tiny\"\nprice_in = 1\nprice_out = 2")
}

#[test]
fn without_a_model_nothing_is_wrong_and_a_test_says_what_to_do() {
    let desk = Desk::with_agent("ada");
    assert_eq!(desk.json(&["llm"])["model"], serde_json::Value::Null);
    assert!(desk.run(&["llm"]).stdout.contains("coworker llm --help"));
    assert_eq!(desk.json(&["doctor"])["ok"], true);
    let test = desk.json(&["llm", "test"]);
    assert_eq!(test["error"]["code"], "USAGE");
    assert!(test["error"]["hint"].as_str().unwrap().contains("[llm]"), "{test}");
    let key = outcome(desk.command().args(["llm", "set-key"]).write_stdin(KEY));
    assert_eq!(key.exit, 2, "{}", key.stderr);
    assert!(!desk.data().join("llm.key").exists());
}

#[test]
fn a_key_in_the_environment_chooses_and_is_shown_nowhere() {
    let desk = Desk::with_agent("ada");
    for words in [["llm"], ["status"], ["doctor"]] {
        let mut command = desk.command();
        let said = outcome(command.args(words).args(["--json", "-vv"]).env("OPENAI_API_KEY", KEY));
        assert!(said.stdout.contains("gpt-4o-mini"), "{}", said.stdout);
        assert!(!said.stdout.contains(KEY) && !said.stderr.contains(KEY), "{}{}", said.stdout, said.stderr);
    }
}

#[test]
fn a_model_is_asked_with_the_key_that_was_kept_for_it() {
    let answer = r#"{"choices":[{"message":{"content":"ready"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":12,"completion_tokens":1}}"#;
    let (desk, (port, asked)) = (Desk::with_agent("ada"), provider("200 OK", answer));
    configure(&desk, &local(port));
    let kept = outcome(desk.command().args(["llm", "set-key", "--json"]).write_stdin(format!("{KEY}\n")));
    assert_eq!((kept.exit, kept.stdout.contains(KEY)), (0, false), "{}{}", kept.stdout, kept.stderr);
    let mode = desk.data().join("llm.key").metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);

    let tested = desk.json(&["llm", "test"]);
    assert_eq!((&tested["input_tokens"], &tested["output_tokens"]), (&12.into(), &1.into()), "{tested}");
    assert_eq!(tested["cost"], 0.000_014, "{tested}");
    assert!(asked.join().unwrap().to_lowercase().contains(&format!("authorization: bearer {KEY}")));
    let shown = desk.json(&["llm"]);
    assert_eq!((&shown["model"], &shown["key"]), (&"tiny".into(), &"the file llm.key".into()));
    for words in [["llm"], ["status"], ["doctor"]] {
        assert!(!desk.run(&words).stdout.contains(KEY));
    }

    assert_eq!(desk.json(&["llm", "set-key", "--unset"])["key"], "forgotten");
    assert_eq!(desk.json(&["llm"])["key"], serde_json::Value::Null);
}

#[test]
fn what_is_wrong_with_a_model_comes_with_its_mend() {
    let (desk, (port, _asked)) =
        (Desk::with_agent("ada"), provider("401 Unauthorized", r#"{"error":{"message":"who are you?"}}"#));
    configure(&desk, &local(port));
    let test = desk.json(&["llm", "test"]);
    assert_eq!(
        test["error"]["message"], "the model's provider refuses the key: HTTP 401: who are you?",
        "the owner reads what the provider says"
    );
    assert!(test["error"]["hint"].as_str().unwrap().contains("llm set-key"), "{test}");

    let desk = Desk::with_agent("ada");
    configure(&desk, "base_url = \"https://example.com/v1\"\nmodel = \"m\"\nkey_env = \"COWORKER_NO_SUCH\"");
    let doctor = desk.json(&["doctor"]);
    assert_eq!(doctor["ok"], false);
    assert!(doctor["error"]["message"].as_str().unwrap().contains("COWORKER_NO_SUCH"), "{doctor}");
    let key = outcome(desk.command().args(["llm", "set-key"]).write_stdin(KEY));
    assert!(key.stderr.contains("take `key_env` out"), "{}", key.stderr);

    let desk = Desk::with_agent("ada");
    configure(&desk, "base_url = \"http://example.com/v1\"\nmodel = \"m\"");
    let status = desk.json(&["status"]);
    assert_eq!(status["error"]["code"], "USAGE");
    assert!(status["error"]["message"].as_str().unwrap().contains("write https://"), "{status}");
}
