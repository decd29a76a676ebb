//! Guests that send or fetch too much, and servers that send too much or nothing at all.

use std::time::Duration;

use coworker_policy::Limits;
use coworker_sandbox::Stopped;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::web_call::{WebCall, answers, denied};

const OPEN: &[&str] = &["* http://web.test:PORT/* private"];
const KIB: u64 = 1024;
/// Size of a buffer of the host. A limit is noticed when the buffer is full.
const BUFFER: u64 = 32 * KIB;
const SOON: Duration = Duration::from_secs(5);

async fn web_call(egress_bytes: usize, http_requests: u64) -> WebCall {
    let mut web_call = WebCall::new(OPEN).await;
    web_call.limits = Limits { egress_bytes, http_requests, ..web_call.limits };
    web_call
}

#[tokio::test]
async fn requests_are_counted_including_refused_ones() {
    let web_call = web_call(1 << 20, 3).await;
    let (good, bad) = (
        json!({ "authority": "web.test:PORT", "path": "/ok" }),
        json!({ "authority": "evil.test:PORT", "path": "/ok" }),
    );
    let (answers, outcome) = web_call.fetch(json!([good, bad, good, good, bad])).await;
    let told: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(told, [Some(200), None, Some(200), None, None]);
    assert_eq!(web_call.web.requests(), 2);
    assert_eq!(denied(&outcome).len(), 1, "a reached limit is not a denial");
}

#[tokio::test]
async fn an_endless_response_ends_at_the_limit() {
    let web_call = web_call(256 * 1024, 16).await;
    let endless = json!({ "authority": "web.test:PORT", "path": "/endless" });
    let (answers, outcome) = web_call.fetch(json!([endless, endless])).await;
    assert_eq!((answers[0].status, answers[0].error.as_deref()), (Some(200), Some("the body broke off")));
    assert!(answers[0].bytes as u64 <= 256 * KIB, "{}", answers[0].bytes);
    assert!(answers[0].bytes as u64 > 256 * KIB - 2 * BUFFER, "{}", answers[0].bytes);
    assert!(outcome.usage.egress_bytes <= 256 * KIB + BUFFER, "{:?}", outcome.usage);
    assert_eq!(
        answers[1].error.as_deref(),
        Some("HttpRequestDenied"),
        "no bytes are left for a second request"
    );
    timeout(SOON, web_call.web.until_left()).await.unwrap();
}

#[tokio::test]
async fn an_endless_request_ends_at_the_limit() {
    let web_call = web_call(256 * 1024, 16).await;
    let request =
        json!([{ "authority": "web.test:PORT", "path": "/take", "method": "POST", "body": 8 << 20 }]);
    let (answers, outcome) = web_call.fetch(request).await;
    assert_eq!(answers[0].status, None, "{answers:?}");
    assert!(outcome.usage.egress_bytes <= 256 * KIB + BUFFER, "{:?}", outcome.usage);
}

#[tokio::test]
async fn a_silent_server_costs_no_more_than_the_deadline() {
    for path in ["/silent", "/stuck"] {
        let mut web_call = WebCall::new(OPEN).await;
        web_call.timeout = Some(Duration::from_millis(300));
        let outcome =
            web_call.run(json!({ "requests": [{ "authority": "web.test:PORT", "path": path }] })).await;
        assert_eq!(outcome.result, Err(Stopped::Deadline), "{path}");
        timeout(SOON, web_call.web.until_left()).await.unwrap();
    }
}

#[tokio::test]
async fn a_guest_may_set_a_shorter_timeout() {
    let web_call = WebCall::new(OPEN).await;
    let request = json!([{ "authority": "web.test:PORT", "path": "/silent", "timeout_ms": 100 }]);
    let (answers, _) = web_call.fetch(request).await;
    assert_eq!(answers[0].error.as_deref(), Some("ConnectionReadTimeout"));
}

#[tokio::test]
async fn revocation_closes_the_connections() {
    for path in ["/silent", "/stuck", "/endless"] {
        let web_call = web_call(usize::MAX, 16).await;
        let ask = json!({ "requests": [{ "authority": "web.test:PORT", "path": path }] });
        let stop = web_call.context.stop.clone();
        let revoke = async {
            web_call.web.until_asked().await;
            sleep(Duration::from_millis(20)).await;
            stop.cancel();
            timeout(Duration::from_millis(500), web_call.web.until_left()).await
        };
        let (outcome, left) = tokio::join!(web_call.run(ask), revoke);
        assert_eq!(outcome.result, Err(Stopped::Cancelled), "{path}");
        assert!(left.is_ok(), "{path}: the connection outlived the call");
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_closes_its_connections() {
    let web_call = WebCall::new(OPEN).await;
    let ask = json!({ "requests": [{ "authority": "web.test:PORT", "path": "/silent" }] });
    let asked = async {
        tokio::select! {
            _ = web_call.run(ask) => panic!("the silent server answered"),
            () = web_call.web.until_asked() => {}
        }
    };
    timeout(SOON, asked).await.unwrap();
    timeout(SOON, web_call.web.until_left()).await.unwrap();
}

#[tokio::test]
async fn open_connections_are_limited() {
    let web_call = web_call(usize::MAX, 16).await;
    let open = json!({ "authority": "web.test:PORT", "path": "/stuck", "timeout_ms": 1000 });
    let outcome = web_call.run(json!({ "requests": [open, open, open, open, open], "hold": true }));
    let more = async {
        web_call.web.until_asked().await;
        sleep(Duration::from_secs(2)).await;
        web_call.context.stop.cancel();
    };
    let (outcome, ()) = tokio::join!(outcome, more);
    // The fifth request got no connection, and the guest went on to read the first.
    assert_eq!(outcome.result, Err(Stopped::Cancelled));
    assert_eq!((web_call.web.requests(), web_call.web.most()), (4, 4));
}

#[tokio::test]
async fn closed_connections_free_their_slots() {
    let web_call = web_call(1 << 20, 16).await;
    let open = json!({ "authority": "web.test:PORT", "path": "/ok", "timeout_ms": 5000 });
    let (answers, _) = web_call.fetch(json!([open, open, open, open, open, open, open, open])).await;
    assert!(answers.iter().all(|answer| answer.status == Some(200)), "{answers:?}");
}

#[tokio::test]
async fn a_response_with_too_many_or_too_large_headers_is_refused() {
    let web_call = WebCall::new(OPEN).await;
    for path in ["/headers?1000", "/headers?65", "/header?40000", "/header?4000000"] {
        let (answer, _) = web_call.get("web.test:PORT", path).await;
        assert_eq!(answer.error.as_deref(), Some("HttpResponseHeaderSectionSize"), "{path}");
    }
    for path in ["/headers?60", "/header?20000"] {
        let (answer, _) = web_call.get("web.test:PORT", path).await;
        assert_eq!(answer.status, Some(200), "{path}");
    }
}

#[tokio::test]
async fn a_request_with_too_many_or_too_large_headers_is_not_sent() {
    let web_call = WebCall::new(OPEN).await;
    let many: Vec<_> = (0..65).map(|n| (format!("x-{n}"), "y".to_owned())).collect();
    let large = vec![("x".to_owned(), "y".repeat(40_000))];
    let huge = vec![("x".to_owned(), "y".repeat(200_000))];
    for headers in [many, large, huge] {
        let request = json!([{ "authority": "web.test:PORT", "path": "/ok", "headers": headers }]);
        let outcome = web_call.run(json!({ "requests": request })).await;
        assert!(outcome.result.is_err() || answers(&outcome)[0].status.is_none(), "{outcome:?}");
    }
    let long = format!("/ok?{}", "q".repeat(9000));
    let (answer, _) = web_call.get("web.test:PORT", &long).await;
    assert_eq!(answer.error.as_deref(), Some("HttpRequestUriTooLong"));
    assert_eq!(web_call.web.requests(), 0);
}
