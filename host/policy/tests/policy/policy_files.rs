//! Reading a `policy.toml`.

use std::error::Error as _;

use coworker_policy::{Limits, Listing, PolicyFile, PolicyFileError, Tier};
use proptest::prelude::*;

use crate::fixture::cases;

fn refused(text: &str) -> String {
    let error = PolicyFile::parse(text).expect_err(text);
    error.source().map_or(error.to_string(), |source| format!("{error}: {source}"))
}

#[test]
fn an_empty_file_is_the_defaults() {
    assert_eq!(PolicyFile::parse("").unwrap(), PolicyFile::default());
    for tier in Tier::ALL {
        assert_eq!(*PolicyFile::default().terms.limits(tier), Limits::of(tier));
    }
}

#[test]
fn every_key_is_read() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let file = PolicyFile::parse(&format!(
        r#"
        digest = "{digest}"
        [skills.quote]
        exposed = true
        from = "internal"
        [skills."a.b"]
        exposed = true
        [skills.hidden]
        from = "known"
        [[grant]]
        capability = "http"
        to = ["GET https://api.example.com/v1/*"]
        from = "known"
        [[deny]]
        capability = "state"
        [limits.known]
        fuel = 1_000
        wall_ms = 2
        memory_mib = 3
        input_kib = 4
        output_kib = 5
        log_kib = 6
        state_kib = 7
        egress_kib = 8
        http_requests = 9
        llm_calls = 12
        llm_tokens = 13
        llm_calls_per_day = 14
        llm_tokens_per_day = 15
        llm_cents_per_day = 16
        peer_calls = 17
        host_calls = 10
        calls_per_min = 11
        concurrent = 2
        [config]
        model = "small"
        "#
    ))
    .unwrap();
    assert_eq!(file.digest.unwrap().to_string(), digest);
    let listing = |name: &str| file.listings[&name.parse().unwrap()];
    assert_eq!(listing("quote"), Listing::Exposed { from: Tier::Internal });
    assert_eq!(listing("a.b"), Listing::Exposed { from: Tier::Known });
    assert_eq!(listing("hidden"), Listing::Hidden);
    assert_eq!(file.config["model"], "small");
    let expected = Limits {
        fuel: 1_000,
        wall_ms: 2,
        memory_bytes: 3 << 20,
        input_bytes: 4 << 10,
        output_bytes: 5 << 10,
        log_bytes: 6 << 10,
        state_bytes: 7 << 10,
        egress_bytes: 8 << 10,
        http_requests: 9,
        llm_calls: 12,
        llm_tokens: 13,
        llm_calls_per_day: 14,
        llm_tokens_per_day: 15,
        llm_cents_per_day: 16,
        peer_calls: 17,
        host_calls: 10,
        calls_per_min: 11,
        concurrent: 2,
        ..Limits::of(Tier::Known)
    };
    assert_eq!(*file.terms.limits(Tier::Known), expected);
    assert_eq!(*file.terms.limits(Tier::Internal), Limits::of(Tier::Internal));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let table = [
        ("exposed = true", "line 1"),
        ("\n\n[skills.quote]\nexposd = true", "line 4"),
        ("[skills.Quote]\nexposed = true", "a skill's name"),
        ("[[grant]]\ncapability = \"htp\"", "line 2"),
        ("[[grant]]\ncapability = \"http\"\nfrom = \"friend\"", "line 3"),
        (
            "[[grant]]\ncapability = \"state\"\n[[grant]]\ncapability = \"http\"",
            "line 4: [[grant]] number 2: a grant of http needs rules",
        ),
        (
            "[[grant]]\ncapability = \"http\"\nto = [\"GET a.example\"]",
            "line 3: [[grant]] number 1: `a.example` is not a web origin",
        ),
        (
            "[[grant]]\ncapability = \"http\"\nto = [\n  \"GET https://a.example/\",\n  \"GET b\",\n]",
            "line 5: [[grant]] number 1: `b`",
        ),
        ("grant = [\n{ capability = \"http\", to = [\"GET b\"] }]", "line 2: [[grant]] number 1: `b`"),
        (
            "[[grant]]\ncapability = \"log\"\nfrom = \"known\"",
            "line 2: [[grant]] number 1: log is available to every",
        ),
        ("[[grant]]\ncapability = \"log\"", "log needs no grant"),
        ("[[deny]]\ncapability = \"http\"\nto = [\"x\"]", "line 3"),
        ("[limits.everybody]\nfuel = 1", "line 1"),
        ("[limits.known]\nfool = 1", "line 2"),
        ("[limits.known]\nfuel = -1", "line 2"),
        (
            "[config]\na = \"1\"\n\n[limits.known]\nwall_ms = 1\nfuel = 0",
            "line 6: [limits.known] fuel = 0: must be 1 to 1000000000000",
        ),
        ("[limits.known]\nmemory_mib = 65", "memory_mib = 65: must be 1 to 64"),
        ("[limits.known]\nconcurrent = 0", "concurrent = 0: must be 1 to 4"),
        ("[limits.known]\nconcurrent = 5", "concurrent = 5: must be 1 to 4"),
        ("[limits.untrusted]\ncalls_per_min = 61", "calls_per_min = 61: must be 1 to 60"),
        ("[limits.known]\nstate_kib = 1048577", "state_kib = 1048577: must be 0 to 1048576"),
        ("[limits.known]\npeer_calls = 1001", "peer_calls = 1001: must be 0 to 1000"),
        ("[limits.known]\nllm_tokens = 1000000001", "llm_tokens = 1000000001: must be 0 to 1000000000"),
        (
            "[[grant]]\ncapability = \"peers\"\nto = [\"ada/quote\"]",
            "line 3: [[grant]] number 1: `ada/quote` is not a peer's skill",
        ),
        ("[[grant]]\ncapability = \"llm\"\nto = [\"x\"]", "llm takes no list"),
        ("[config]\nmodel = 3", "line 2"),
        ("digest = \"sha256:00\"", "line 1"),
        ("x = \"\u{1b}", "line 1"),
    ];
    for (text, part) in table {
        let said = refused(text);
        assert!(said.contains(part), "{text:?}: {said}");
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }
}

#[test]
fn two_folders_cannot_be_one_to_the_guest() {
    let two =
        |a: &str, b: &str| format!("[[grant]]\ncapability = \"files\"\nto = [\"read {a}\", \"read {b}\"]");
    assert!(refused(&two("/home/ada/data", "/srv/data")).contains("line 3: `/home/ada/data` and"));
    assert!(refused(&two("/home/ada/data", "/srv/data")).contains("would both be `/data` in the guest"));
    assert!(refused(&two("/srv/a", "/srv/assets")).contains("line 3: `/srv/assets` would be `/assets`"));
    PolicyFile::parse(&two("/srv/data", "/srv/data/")).unwrap();
    PolicyFile::parse(&two("/srv/data", "/srv/data/more")).unwrap();
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let text = "#".repeat(PolicyFile::MAX + 1);
    assert!(matches!(PolicyFile::parse(&text), Err(PolicyFileError::TooLarge { .. })));
    PolicyFile::parse(&text[1..]).unwrap();
    assert!(PolicyFile::parse(&format!("a = {}", "[".repeat(100_000))).is_err());
    assert!(PolicyFile::parse(&"a.".repeat(100_000)).is_err());
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn no_text_panics(text: String) {
        let _ = PolicyFile::parse(&text);
    }

    #[test]
    fn no_text_that_is_nearly_right_panics(words in proptest::collection::vec(proptest::sample::select(vec![
        "[[grant]]", "[skills.a]", "[limits.known]", "[[deny]]", "[config]", "capability = \"http\"", "capability = \"files\"",
        "to = [\"read /a\"]", "to = [\"GET https://a.example/\"]", "to = []", "from = \"known\"", "exposed = true", "fuel = 1",
        "fuel = 18446744073709551616", "state_kib = 9223372036854775807", "a = \"b\"", "digest = \"\"", "#", "grant = []",
    ]), 0..12)) {
        let _ = PolicyFile::parse(&words.join("\n"));
    }
}
