//! Which web requests leave, and as what.

use coworker_policy::Tier;
use serde_json::json;

use crate::delegation::{Delegation, denied};
use crate::web::{Names, Web};

/// Opens the test's server by its name.
const OPEN: &[&str] = &["GET http://web.test:PORT/* private"];

#[tokio::test]
async fn a_granted_request_is_answered_and_counted() {
    let delegation = Delegation::new(OPEN).await;
    let (answer, outcome) = delegation.get("web.test:PORT", "/ok?q=1").await;
    assert_eq!((answer.status, answer.text.as_str(), answer.error), (Some(200), "hello", None));
    assert_eq!(denied(&outcome), [""; 0]);
    // One small request and its answer, heads included.
    assert!((60..400).contains(&outcome.usage.egress_bytes), "{:?}", outcome.usage);
}

#[tokio::test]
async fn without_a_grant_nothing_leaves_and_the_owner_reads_what_to_grant() {
    let delegation = Delegation::new(&[]).await;
    let (answer, outcome) = delegation.get("web.test:PORT", "/ok?q=1").await;
    assert_eq!(answer.error.as_deref(), Some("HttpRequestDenied"));
    assert_eq!(denied(&outcome), [format!("http GET http://web.test:{}/ok", delegation.web.port)]);
    assert_eq!((delegation.web.requests(), delegation.names.lookups()), (0, 0));
    assert_eq!(outcome.usage.egress_bytes, 0);
}

#[tokio::test]
async fn a_caller_below_the_grants_tier_sends_nothing() {
    let mut delegation = Delegation::new(OPEN).await;
    for tier in [Tier::Untrusted, Tier::Known] {
        delegation.tier = tier;
        let (answer, _) = delegation.get("web.test:PORT", "/ok").await;
        assert_eq!(answer.error.as_deref(), Some("HttpRequestDenied"), "{tier}");
    }
    assert_eq!(delegation.web.requests(), 0);
}

#[tokio::test]
async fn every_word_of_a_rule_counts() {
    let delegation = Delegation::new(&["GET http://web.test:PORT/v1/* private"]).await;
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
    let (answers, _) = delegation.fetch(requests).await;
    for answer in &answers {
        assert_eq!(answer.error.as_deref(), Some("HttpRequestDenied"), "{answer:?}");
    }
    assert_eq!(delegation.web.requests(), 0);
    let (answer, _) = delegation.get("WEB.test.:PORT", "/v1/nothing").await;
    assert_eq!(answer.status, Some(404), "another spelling of the same name");
}

#[tokio::test]
async fn an_authority_that_misleads_is_refused() {
    let delegation = Delegation::new(OPEN).await;
    for authority in ["web.test:PORT@127.0.0.1:PORT", "user@web.test:PORT", "web.test:PORT:80", "web.test:0"]
    {
        let (answer, _) = delegation.get(authority, "/ok").await;
        assert!(answer.error.is_some(), "{authority}: {answer:?}");
    }
    assert_eq!((delegation.web.requests(), delegation.names.lookups()), (0, 0));
}

#[tokio::test]
async fn tunnels_and_echoes_are_never_sent() {
    let delegation = Delegation::new(&["* http://web.test:PORT/* private"]).await;
    for method in ["CONNECT", "TRACE"] {
        let request = json!([{ "authority": "web.test:PORT", "path": "/echo", "method": method }]);
        let (answers, _) = delegation.fetch(request).await;
        assert_eq!(answers[0].error.as_deref(), Some("HttpRequestDenied"), "{method}");
    }
    assert_eq!(delegation.web.requests(), 0);
}

#[tokio::test]
async fn the_host_header_is_ours() {
    let delegation = Delegation::new(OPEN).await;
    let (answer, _) = delegation.get("Web.Test.:PORT", "/echo").await;
    let host = format!("host: web.test:{}\r\n", delegation.web.port);
    assert!(answer.text.contains(&host) && answer.text.matches("host:").count() == 1, "{}", answer.text);
    assert!(answer.text.starts_with("GET /echo HTTP/1.1\r\n"), "{}", answer.text);
}

#[tokio::test]
async fn a_guest_writes_no_header_of_the_connection() {
    let delegation = Delegation::new(OPEN).await;
    for name in ["Host", "Connection", "Transfer-Encoding", "Upgrade", "Proxy-Authorization", "TE", "Expect"]
    {
        let request = json!([{ "authority": "web.test:PORT", "path": "/echo", "headers": [[name, "x"]] }]);
        let (answers, _) = delegation.fetch(request).await;
        assert_eq!(answers[0].error.as_deref(), Some("HeaderError::Forbidden"), "{name}");
    }
    assert_eq!(delegation.web.requests(), 0);
}

#[tokio::test]
async fn tls_is_held_to_the_name() {
    let names = || Names::of(&[("web.test", &["127.0.0.1"]), ("other.test", &["127.0.0.1"])]);
    let rules = ["GET https://web.test:PORT/* private", "GET https://other.test:PORT/* private"];
    let request = |name| json!([{ "scheme": "https", "authority": format!("{name}:PORT"), "path": "/ok" }]);

    let stranger = Delegation::to(Web::start_tls().await, &rules, names());
    let (answers, _) = stranger.fetch(request("web.test")).await;
    assert_eq!(answers[0].error.as_deref(), Some("TlsCertificateError"), "an authority that nobody trusts");

    let mut delegation = Delegation::to(Web::start_tls().await, &rules, names());
    let network = delegation.around.network.clone().trusting(include_bytes!("tls/authority.der"));
    delegation.around.network = network.unwrap();
    let (answers, _) = delegation.fetch(request("web.test")).await;
    assert_eq!(answers[0].text, "hello");
    let (answers, _) = delegation.fetch(request("other.test")).await;
    assert_eq!(answers[0].error.as_deref(), Some("TlsCertificateError"), "another's certificate");
}
