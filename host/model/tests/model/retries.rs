use std::time::Duration;

use coworker_model::ModelFault;
use tokio::time::Instant;

use crate::provider::{Act, Provider, answer, good, messages, request};

const LIMITED: &str = "429 Too Many Requests";

/// Returns the final answer, the number of requests and the time taken.
async fn asks(acts: Vec<Act>) -> (Result<String, ModelFault>, usize, Duration) {
    let provider = Provider::plays(acts).await;
    let (messages, began) = (messages(), Instant::now());
    let answer = provider.endpoint().complete(&request(&messages)).await;
    let answer = answer.map(|answer| answer.text).map_err(|error| error.fault);
    (answer, provider.received().len(), began.elapsed())
}

#[tokio::test]
async fn a_temporary_failure_is_retried() {
    for bad in [
        answer("500 Internal Server Error", "", "oops"),
        answer("503 Service Unavailable", "", ""),
        answer("529 Overloaded", "", ""),
        answer("408 Request Timeout", "", ""),
        answer(LIMITED, "", r#"{"error":{"code":"rate_limit_exceeded"}}"#),
        Act::HangUp,
    ] {
        let (answer, asked, _) = asks(vec![bad.clone(), bad, good("third")]).await;
        assert_eq!((answer.as_deref(), asked), (Ok("third"), 3));
    }
}

#[tokio::test]
async fn retries_end_after_a_few_attempts() {
    let (answer, asked, _) = asks(vec![answer("500 Internal Server Error", "", "")]).await;
    assert_eq!((answer, asked), (Err(ModelFault::Overloaded), 3));
}

#[tokio::test]
async fn a_retry_waits_as_long_as_the_server_asks() {
    let pause = Duration::from_millis(200);
    let (answer, asked, took) = asks(vec![answer(LIMITED, "retry-after: 0.2\r\n", ""), good("later")]).await;
    assert_eq!((answer.as_deref(), asked), (Ok("later"), 2));
    assert!(took >= pause, "{took:?}");
}

#[tokio::test]
async fn a_retry_date_is_read_by_the_servers_clock() {
    let headers = |until: &str| {
        format!("date: Mon, 23 Nov 2026 16:00:00 GMT\r\nretry-after: Mon, 23 Nov 2026 {until} GMT\r\n")
    };
    let (answered, asked, _) = asks(vec![answer(LIMITED, &headers("15:59:00"), ""), good("now")]).await;
    assert_eq!((answered.as_deref(), asked), (Ok("now"), 2));
    // Longer than the longest pause: the caller decides.
    let (limited, asked, took) = asks(vec![answer(LIMITED, &headers("16:02:00"), "")]).await;
    let again = Some(Duration::from_mins(2));
    assert_eq!((limited, asked), (Err(ModelFault::RateLimited { again }), 1));
    assert!(took < Duration::from_secs(5), "{took:?}");
}
