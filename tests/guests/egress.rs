//! Guests that try to reach this machine, its network or a cloud's metadata.

use coworker_sandbox::Outcome;
use serde_json::json;

use crate::web_call::{WebCall, denied};

/// Rules that allow the server's name, but only at public addresses.
const PUBLIC: &[&str] = &["GET http://*.test:PORT/*", "GET http://web.test:PORT/*"];
const PRIVATE: &[&str] = &["GET http://web.test:PORT/* private"];

#[tokio::test]
async fn no_spelling_of_an_address_bypasses_the_rules() {
    let web_call = WebCall::new(&["GET http://web.test:PORT/* private", "GET http://*.test:PORT/*"]).await;
    let loopback = [
        "127.0.0.1",
        "localhost",
        "LOCALHOST.",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "10.0.0.1",
    ];
    for host in loopback {
        let (answer, outcome) = web_call.get(&format!("{host}:PORT"), "/ok").await;
        assert_eq!(answer.error.as_deref(), Some("HttpRequestDenied"), "{host}");
        assert_eq!(denied(&outcome).len(), 1, "{host}");
    }
    assert_eq!((web_call.web.requests(), web_call.names.lookups()), (0, 0));
}

#[tokio::test]
async fn the_owner_reads_an_odd_spelling_in_canonical_form() {
    let web_call = WebCall::new(PUBLIC).await;
    let (_, outcome) = web_call.get("0x7f.1:PORT", "/ok").await;
    assert_eq!(denied(&outcome), [format!("http GET http://127.0.0.1:{}/ok", web_call.web.port)]);
}

#[tokio::test]
async fn a_grant_of_an_address_opens_that_address_only() {
    let web_call = WebCall::new(&["GET http://127.0.0.1:PORT/*"]).await;
    for host in ["127.0.0.1", "0x7f.1", "2130706433"] {
        let (answer, _) = web_call.get(&format!("{host}:PORT"), "/ok").await;
        assert_eq!(answer.status, Some(200), "{host}");
    }
    let (answer, _) = web_call.get("[::ffff:127.0.0.1]:PORT", "/ok").await;
    assert_eq!(answer.error.as_deref(), Some("HttpRequestDenied"));
    assert_eq!(web_call.names.lookups(), 0);
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    let inside = [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        // One public address does not make up for a private one.
        "93.184.215.14 127.0.0.1",
    ];
    let outcome = expect_prohibited(PUBLIC[0], &inside).await;
    assert_eq!(outcome.denied.len(), 16, "the number of denials is bounded");
    let what = &outcome.denied[0].what;
    assert!(what.starts_with("GET http://n0.test:") && what.ends_with("/ok private"), "{what}");
}

#[tokio::test]
async fn private_allows_the_owners_network_but_never_metadata() {
    let never = ["169.254.169.254", "fe80::1", "fd00:ec2::254", "::ffff:169.254.169.254", "224.0.0.1"];
    expect_prohibited("GET http://*.test:PORT/* private", &never).await;
}

/// Gives each list of addresses a name and sends a request to each name.
async fn expect_prohibited(rule: &str, lists: &[&str]) -> Outcome {
    let names: Vec<_> = (0..lists.len()).map(|n| format!("n{n}.test")).collect();
    let answers: Vec<_> =
        names.iter().zip(lists).map(|(name, list)| (name.as_str(), std::slice::from_ref(list))).collect();
    let mut web_call = WebCall::with_names(&[rule], &answers).await;
    web_call.limits.http_requests = 64;
    let request = |name| json!({ "authority": format!("{name}:PORT"), "path": "/ok" });
    let (answers, outcome) = web_call.fetch(names.iter().map(request).collect()).await;
    for (answer, list) in answers.iter().zip(lists) {
        assert_eq!(answer.error.as_deref(), Some("DestinationIpProhibited"), "{list}");
    }
    assert_eq!((web_call.names.lookups(), web_call.web.requests()), (lists.len(), 0));
    outcome
}

#[tokio::test]
async fn a_redirect_is_checked_like_a_new_request() {
    let web_call = WebCall::new(PRIVATE).await;
    for place in ["http://127.0.0.1:PORT/ok", "http://2130706433:PORT/ok", "http://[::ffff:7f00:1]:PORT/ok"] {
        let request = json!([{ "authority": "web.test:PORT", "path": format!("/to?{place}"), "follow": 3 }]);
        let (answers, outcome) = web_call.fetch(request).await;
        assert_eq!(answers[0].error.as_deref(), Some("HttpRequestDenied"), "{place}");
        assert_eq!(outcome.denied.len(), 1);
    }
    assert_eq!(web_call.web.requests(), 3, "only the first request of each");
}

#[tokio::test]
async fn the_host_follows_no_redirect() {
    let web_call = WebCall::new(PRIVATE).await;
    let (answer, _) = web_call.get("web.test:PORT", "/to?/ok").await;
    assert_eq!((answer.status, answer.bytes), (Some(302), 0));
    let request = json!([{ "authority": "web.test:PORT", "path": "/to?/ok", "follow": 3 }]);
    let (answers, _) = web_call.fetch(request).await;
    assert_eq!(answers[0].text, "hello", "the guest may follow a redirect that is granted");
}

#[tokio::test]
async fn a_name_without_an_address_is_not_found() {
    let web_call = WebCall::new(&["GET http://nowhere.test:PORT/*"]).await;
    let (answer, outcome) = web_call.get("nowhere.test:PORT", "/ok").await;
    assert_eq!(answer.error.as_deref(), Some("DestinationNotFound"));
    assert_eq!(denied(&outcome), [""; 0]);
}
