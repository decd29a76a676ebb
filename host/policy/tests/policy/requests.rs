//! The requests that a component carries.

use coworker_policy::{Capability, Grants, Request, RequestError, Text, suggested};
use proptest::prelude::*;

use crate::fixture::{cases, everything};

const PACKED: &str = r#"
name = "quote"
version = "1.2.0"

[[request]]
capability = "http"
to = ["GET https://API.example.com:443/v1/*"]
why = "to look prices up"

[[request]]
capability = "http"
to = ["GET http://localhost:8000/"]
from = "untrusted"
why = "for tests"

[[request]]
capability = "secrets"
to = ["API_KEY https://api.example.com"]
from = "privileged"
why = "the price list wants a key"

[[request]]
capability = "files"
why = "to read your reports"

[[request]]
capability = "state"
why = "to remember prices"

[[request]]
capability = "llm"
why = "to sum up"

[defaults]
currency = "EUR"

[[example]]
input = "{}"
"#;

fn asked(text: &str) -> Result<Request, RequestError> {
    Request::parse(text.as_bytes())
}

fn lines(request: &Request, imports: &Grants) -> Vec<String> {
    suggested(request, imports).iter().map(ToString::to_string).collect()
}

#[test]
fn a_request_is_read_as_it_would_be_granted() {
    let request = asked(PACKED).unwrap();
    assert_eq!((request.name.as_str(), request.version.to_string().as_str()), ("quote", "1.2.0"));
    assert_eq!(request.asks.len(), 6);
    assert_eq!(request.asks[0].to[0].as_str(), "GET https://api.example.com/v1/*");
    assert_eq!(request.asks[0].why.as_str(), "to look prices up");
    assert_eq!(request.defaults[&Text::new("currency").unwrap()].as_str(), "EUR");
}

#[test]
fn suggested_grants_are_within_the_lowest_tiers_and_the_imports() {
    let request = asked(PACKED).unwrap();
    assert_eq!(
        lines(&request, &everything()),
        [
            "http GET https://api.example.com/v1/* from INTERNAL",
            // An author cannot open a capability further down than the table does.
            "http GET http://localhost:8000/ from INTERNAL",
            "secrets API_KEY https://api.example.com from PRIVILEGED",
            "llm from INTERNAL",
        ]
    );
    let grants = suggested(&request, &everything());
    assert_eq!(
        grants.iter().map(coworker_policy::Grant::allows_private).collect::<Vec<_>>(),
        [false, true, false, false]
    );
    assert!(lines(&request, &Grants::default()).is_empty());
    assert!(lines(&request, &[Capability::Files, Capability::State].into_iter().collect()).is_empty());
    let state = asked(
        "name = 'a'\nversion = '1.0.0'\n[[request]]\ncapability = 'state'\nfrom = 'internal'\nwhy = 'x'",
    );
    assert_eq!(lines(&state.unwrap(), &everything()), ["state from INTERNAL"]);
}

#[test]
fn invalid_requests_are_refused() {
    let with = |rest: &str| format!("name = \"a\"\nversion = \"1.0.0\"\n{rest}");
    let ask = |rest: &str| with(&format!("[[request]]\n{rest}"));
    let many = |count| with(&"[[request]]\ncapability = \"log\"\nwhy = \"x\"\n".repeat(count));
    asked(&many(64)).unwrap();
    for (text, part) in [
        ("version = \"1.0.0\"".to_owned(), "missing field `name`"),
        (with("version = \"1\""), "line 3"),
        (ask("capability = \"http\""), "missing field `why`"),
        (ask("capability = \"http\"\nwhy = \" \""), "number 1 has an empty `why`"),
        (ask("capability = \"http\"\nwhy = \"a\\u001Bb\""), "bad `why`"),
        (ask("capability = \"http\"\nwhy = \"a\\u202Eb\""), "bad `why`"),
        (ask(&format!("capability = \"http\"\nwhy = \"{}\"", "x".repeat(5000))), "bad `why`"),
        (ask("capability = \"everything\"\nwhy = \"x\""), "line 4"),
        (ask("capability = \"http\"\nwhy = \"x\"\nfor = \"me\""), "line 6"),
        (ask("capability = \"http\"\nto = [\"GET everything\"]\nwhy = \"x\""), "number 1 cannot be granted"),
        (ask("capability = \"log\"\nto = [\"x\"]\nwhy = \"x\""), "number 1 cannot be granted"),
        (ask("capability = \"files\"\nto = [\"read /etc\"]\nwhy = \"x\""), "names folders"),
        (ask(&format!("capability = \"llm\"\nto = [{}]\nwhy = \"x\"", "\"a\",".repeat(65))), "65 rules"),
        (many(65), "65 requests"),
        (with("[defaults]\na = \"\\u001B\""), "[defaults] has an invalid text"),
        (with("[defaults]\na = 3"), "line 4"),
        (" ".repeat(Request::MAX + 1), "at most 65536"),
    ] {
        let said = asked(&text).unwrap_err().to_string();
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(matches!(Request::parse(b"name = \"\xff\""), Err(RequestError::NotText)));
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, text: String) {
        let _ = Request::parse(&bytes);
        let _ = asked(&format!("name = \"a\"\nversion = \"1.0.0\"\n{text}"));
    }
}
