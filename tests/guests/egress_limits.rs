//! Guests that send or fetch too much, and servers that answer too much or not at all.

use std::time::Duration;

use coworker_policy::Limits;
use coworker_sandbox::Stopped;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::delegation::{Delegation, answers, denied};

const OPEN: &[&str] = &["* http://web.test:PORT/* private"];
const KIB: u64 = 1024;
/// What a buffer of the host holds; a cap is noticed when it is full.
const BUFFER: u64 = 32 * KIB;
const SOON: Duration = Duration::from_secs(5);

async fn delegation(egress_bytes: usize, http_requests: u64) -> Delegation {
    let mut delegation = Delegation::new(OPEN).await;
    delegation.limits = Limits { egress_bytes, http_requests, ..delegation.limits };
    delegation
}

#[tokio::test]
async fn requests_are_counted_refused_ones_too() {
    let delegation = delegation(1 << 20, 3).await;
    let (good, bad) = (
        json!({ "authority": "web.test:PORT", "path": "/ok" }),
        json!({ "authority": "evil.test:PORT", "path": "/ok" }),
    );
    let (answers, outcome) = delegation.fetch(json!([good, bad, good, good, bad])).await;
    let told: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(told, [Some(200), None, Some(200), None, None]);
    assert_eq!(delegation.web.requests(), 2);
    assert_eq!(denied(&outcome).len(), 1, "a limit is no missing grant");
}

#[tokio::test]
async fn an_endless_answer_ends_at_the_cap() {
    let delegation = delegation(256 * 1024, 16).await;
    let endless = json!({ "authority": "web.test:PORT", "path": "/endless" });
    let (answers, outcome) = delegation.fetch(json!([endless, endless])).await;
    assert_eq!((answers[0].status, answers[0].error.as_deref()), (Some(200), Some("the body broke off")));
    assert!(answers[0].bytes as u64 <= 256 * KIB, "{}", answers[0].bytes);
    assert!(answers[0].bytes as u64 > 256 * KIB - 2 * BUFFER, "{}", answers[0].bytes);
    assert!(outcome.usage.egress_bytes <= 256 * KIB + BUFFER, "{:?}", outcome.usage);
    assert_eq!(answers[1].error.as_deref(), Some("HttpRequestDenied"), "nothing is left for another");
    timeout(SOON, delegation.web.until_left()).await.unwrap();
}

#[tokio::test]
async fn an_endless_request_ends_at_the_cap() {
    let delegation = delegation(256 * 1024, 16).await;
    let request =
        json!([{ "authority": "web.test:PORT", "path": "/take", "method": "POST", "body": 8 << 20 }]);
    let (answers, outcome) = delegation.fetch(request).await;
    assert_eq!(answers[0].status, None, "{answers:?}");
    assert!(outcome.usage.egress_bytes <= 256 * KIB + BUFFER, "{:?}", outcome.usage);
}

#[tokio::test]
async fn a_silent_server_costs_no_more_than_the_deadline() {
    for path in ["/silent", "/stuck"] {
        let mut delegation = Delegation::new(OPEN).await;
        delegation.timeout = Some(Duration::from_millis(300));
        let outcome =
            delegation.run(json!({ "requests": [{ "authority": "web.test:PORT", "path": path }] })).await;
        assert_eq!(outcome.result, Err(Stopped::Deadline), "{path}");
        timeout(SOON, delegation.web.until_left()).await.unwrap();
    }
}

#[tokio::test]
async fn a_guest_may_wait_for_less() {
    let delegation = Delegation::new(OPEN).await;
    let request = json!([{ "authority": "web.test:PORT", "path": "/silent", "timeout_ms": 100 }]);
    let (answers, _) = delegation.fetch(request).await;
    assert_eq!(answers[0].error.as_deref(), Some("ConnectionReadTimeout"));
}

#[tokio::test]
async fn revocation_closes_the_connections() {
    for path in ["/silent", "/stuck", "/endless"] {
        let delegation = delegation(usize::MAX, 16).await;
        let ask = json!({ "requests": [{ "authority": "web.test:PORT", "path": path }] });
        let stop = delegation.around.stop.clone();
        let revoke = async {
            delegation.web.until_asked().await;
            sleep(Duration::from_millis(20)).await;
            stop.cancel();
            timeout(Duration::from_millis(500), delegation.web.until_left()).await
        };
        let (outcome, left) = tokio::join!(delegation.run(ask), revoke);
        assert_eq!(outcome.result, Err(Stopped::Cancelled), "{path}");
        assert!(left.is_ok(), "{path}: the connection outlived the call");
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_closes_its_connections() {
    let delegation = Delegation::new(OPEN).await;
    let ask = json!({ "requests": [{ "authority": "web.test:PORT", "path": "/silent" }] });
    let asked = async {
        tokio::select! {
            _ = delegation.run(ask) => panic!("nobody answered"),
            () = delegation.web.until_asked() => {}
        }
    };
    timeout(SOON, asked).await.unwrap();
    timeout(SOON, delegation.web.until_left()).await.unwrap();
}

#[tokio::test]
async fn connections_are_few_at_a_time() {
    let delegation = delegation(usize::MAX, 16).await;
    let open = json!({ "authority": "web.test:PORT", "path": "/stuck", "timeout_ms": 1000 });
    let outcome = delegation.run(json!({ "requests": [open, open, open, open, open], "hold": true }));
    let more = async {
        delegation.web.until_asked().await;
        sleep(Duration::from_secs(2)).await;
        delegation.around.stop.cancel();
    };
    let (outcome, ()) = tokio::join!(outcome, more);
    // The fifth found no place, and the guest went on to read the first.
    assert_eq!(outcome.result, Err(Stopped::Cancelled));
    assert_eq!((delegation.web.requests(), delegation.web.most()), (4, 4));
}

#[tokio::test]
async fn connections_are_given_back() {
    let delegation = delegation(1 << 20, 16).await;
    let open = json!({ "authority": "web.test:PORT", "path": "/ok", "timeout_ms": 5000 });
    let (answers, _) = delegation.fetch(json!([open, open, open, open, open, open, open, open])).await;
    assert!(answers.iter().all(|answer| answer.status == Some(200)), "{answers:?}");
}

#[tokio::test]
async fn an_answer_with_too_many_or_too_large_headers_is_refused() {
    let delegation = Delegation::new(OPEN).await;
    for path in ["/headers?1000", "/headers?65", "/header?40000", "/header?4000000"] {
        let (answer, _) = delegation.get("web.test:PORT", path).await;
        assert_eq!(answer.error.as_deref(), Some("HttpResponseHeaderSectionSize"), "{path}");
    }
    for path in ["/headers?60", "/header?20000"] {
        let (answer, _) = delegation.get("web.test:PORT", path).await;
        assert_eq!(answer.status, Some(200), "{path}");
    }
}

#[tokio::test]
async fn a_request_with_too_many_or_too_large_headers_does_not_leave() {
    let delegation = Delegation::new(OPEN).await;
    let many: Vec<_> = (0..65).map(|n| (format!("x-{n}"), "y".to_owned())).collect();
    let large = vec![("x".to_owned(), "y".repeat(40_000))];
    let huge = vec![("x".to_owned(), "y".repeat(200_000))];
    for headers in [many, large, huge] {
        let request = json!([{ "authority": "web.test:PORT", "path": "/ok", "headers": headers }]);
        let outcome = delegation.run(json!({ "requests": request })).await;
        assert!(outcome.result.is_err() || answers(&outcome)[0].status.is_none(), "{outcome:?}");
    }
    let long = format!("/ok?{}", "q".repeat(9000));
    let (answer, _) = delegation.get("web.test:PORT", &long).await;
    assert_eq!(answer.error.as_deref(), Some("HttpRequestUriTooLong"));
    assert_eq!(delegation.web.requests(), 0);
}
