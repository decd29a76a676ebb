//! The web requests that are sent, and their form.

use coworker_policy::Tier;
use serde_json::json;

use crate::web::{Names, Web};
use crate::web_call::{WebCall, denied};

/// Allows the test server by its name.
const OPEN: &[&str] = &["GET http://web.test:PORT/* private"];

#[tokio::test]
async fn a_granted_request_is_answered_and_counted() {
    let web_call = WebCall::new(OPEN).await;
    let (answer, outcome) = web_call.get("web.test:PORT", "/ok?q=1").await;
    assert_eq!((answer.status, answer.text.as_str(), answer.error), (Some(200), "hello", None));
    assert_eq!(denied(&outcome), [""; 0]);
    // One small request and its answer, heads included.
    assert!((60..400).contains(&outcome.usage.egress_bytes), "{:?}", outcome.usage);
}

#[tokio::test]
async fn without_a_grant_no_request_is_sent_and_the_owner_reads_the_missing_rule() {
    let web_call = WebCall::new(&[]).await;
    let (answer, outcome) = web_call.get("web.test:PORT", "/ok?q=1").await;
    assert_eq!(answer.error.as_deref(), Some("HttpRequestDenied"));
    assert_eq!(denied(&outcome), [format!("http GET http://web.test:{}/ok", web_call.web.port)]);
    assert_eq!((web_call.web.requests(), web_call.names.lookups()), (0, 0));
    assert_eq!(outcome.usage.egress_bytes, 0);
}

#[tokio::test]
async fn a_caller_below_the_grants_tier_sends_nothing() {
    let mut web_call = WebCall::new(OPEN).await;
    for tier in [Tier::Untrusted, Tier::Known] {
        web_call.tier = tier;
        let (answer, _) = web_call.get("web.test:PORT", "/ok").await;
        assert_eq!(answer.error.as_deref(), Some("HttpRequestDenied"), "{tier}");
    }
    assert_eq!(web_call.web.requests(), 0);
}

#[tokio::test]
async fn every_part_of_a_rule_must_match() {
    let web_call = WebCall::new(&["GET http://web.test:PORT/v1/* private"]).await;
    let requests = json!([
        { "authority": "web.test:PORT", "path": "/ok" },
        { "authority": "web.test:PORT", "path": "/v1/../ok" },
        { "authority": "web.test:PORT", "path": "/v1/%2e%2e/ok" },
        { "authority": "web.test:PORT", "path": "/v1//ok" },
        { "authority": "web.test:PORT", "path": "/v1/ok", "method": "POST" },
        { "authority": "web.test:PORT", "path": "/v1/ok", "method": "get" },
        { "authority": "web.test:PORT", "path": "/v1/ok", "scheme": "https" },
        { "authority": "web.test", "path": "/v1/ok" },
        { "authority": "web.test.evil.example:PORT", "path": "/v1/ok" },
        { "authority": "sub.web.test:PORT", "path": "/v1/ok" },
    ]);
    let (answers, _) = web_call.fetch(requests).await;
    for answer in &answers {
        assert_eq!(answer.error.as_deref(), Some("HttpRequestDenied"), "{answer:?}");
    }
    assert_eq!(web_call.web.requests(), 0);
    let (answer, _) = web_call.get("WEB.test.:PORT", "/v1/nothing").await;
    assert_eq!(answer.status, Some(404), "another spelling of the same name is allowed");
}

#[tokio::test]
async fn a_misleading_authority_is_refused() {
    let web_call = WebCall::new(OPEN).await;
    for authority in ["web.test:PORT@127.0.0.1:PORT", "user@web.test:PORT", "web.test:PORT:80", "web.test:0"]
    {
        let (answer, _) = web_call.get(authority, "/ok").await;
        assert!(answer.error.is_some(), "{authority}: {answer:?}");
    }
    assert_eq!((web_call.web.requests(), web_call.names.lookups()), (0, 0));
}

#[tokio::test]
async fn tunnels_and_echoes_are_never_sent() {
    let web_call = WebCall::new(&["* http://web.test:PORT/* private"]).await;
    for method in ["CONNECT", "TRACE"] {
        let request = json!([{ "authority": "web.test:PORT", "path": "/echo", "method": method }]);
        let (answers, _) = web_call.fetch(request).await;
        assert_eq!(answers[0].error.as_deref(), Some("HttpRequestDenied"), "{method}");
    }
    assert_eq!(web_call.web.requests(), 0);
}

#[tokio::test]
async fn the_host_writes_the_host_header() {
    let web_call = WebCall::new(OPEN).await;
    let (answer, _) = web_call.get("Web.Test.:PORT", "/echo").await;
    let host = format!("host: web.test:{}\r\n", web_call.web.port);
    assert!(answer.text.contains(&host) && answer.text.matches("host:").count() == 1, "{}", answer.text);
    assert!(answer.text.starts_with("GET /echo HTTP/1.1\r\n"), "{}", answer.text);
}

#[tokio::test]
async fn a_guest_cannot_set_headers_of_the_connection() {
    let web_call = WebCall::new(OPEN).await;
    for name in ["Host", "Connection", "Transfer-Encoding", "Upgrade", "Proxy-Authorization", "TE", "Expect"]
    {
        let request = json!([{ "authority": "web.test:PORT", "path": "/echo", "headers": [[name, "x"]] }]);
        let (answers, _) = web_call.fetch(request).await;
        assert_eq!(answers[0].error.as_deref(), Some("HeaderError::Forbidden"), "{name}");
    }
    assert_eq!(web_call.web.requests(), 0);
}

#[tokio::test]
async fn tls_verifies_the_name() {
    let names = || Names::of(&[("web.test", &["127.0.0.1"]), ("other.test", &["127.0.0.1"])]);
    let rules = ["GET https://web.test:PORT/* private", "GET https://other.test:PORT/* private"];
    let request = |name| json!([{ "scheme": "https", "authority": format!("{name}:PORT"), "path": "/ok" }]);

    let stranger = WebCall::to(Web::start_tls().await, &rules, names());
    let (answers, _) = stranger.fetch(request("web.test")).await;
    assert_eq!(answers[0].error.as_deref(), Some("TlsCertificateError"), "the authority is not trusted");

    let mut web_call = WebCall::to(Web::start_tls().await, &rules, names());
    let network = web_call.context.network.clone().trusting(include_bytes!("tls/authority.der"));
    web_call.context.network = network.unwrap();
    let (answers, _) = web_call.fetch(request("web.test")).await;
    assert_eq!(answers[0].text, "hello");
    let (answers, _) = web_call.fetch(request("other.test")).await;
    assert_eq!(
        answers[0].error.as_deref(),
        Some("TlsCertificateError"),
        "the certificate is for another name"
    );
}
