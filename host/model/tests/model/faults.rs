use std::error::Error as _;
use std::time::Duration;

use coworker_model::{
    BadUrl, BaseUrl, ChatRequest, Endpoint, MAX_MESSAGES, MAX_TEXT, Message, ModelError, ModelFault, Options,
    Role, Settings, Timeouts,
};
use tokio::sync::mpsc;

use crate::provider::{Act, DONE, END, KEY, Provider, answer, chunk, good, messages, quick, request, stream};

/// Asks for a whole answer and for a stream. Both must fail in the same way.
async fn fails(act: Act, timeout: Timeouts) -> ModelError {
    let provider = Provider::plays([act]).await;
    let (endpoint, messages) = (provider.endpoint_with(timeout), messages());
    let whole = endpoint.complete(&request(&messages)).await.unwrap_err();
    let (text, _received) = mpsc::channel(64);
    let streamed = endpoint.stream(&request(&messages), &text).await.unwrap_err();
    assert_eq!(whole.fault, streamed.fault);
    for error in [&whole, &streamed] {
        let printed = format!("{error} {error:?} {:?}", error.source().map(ToString::to_string));
        assert!(!printed.contains(KEY), "{printed}");
        assert!(!error.to_string().contains("their words"), "{error}");
    }
    whole
}

async fn fault(act: Act) -> ModelFault {
    fails(act, quick()).await.fault
}

fn short_timeouts() -> Timeouts {
    let soon = Duration::from_millis(60);
    Timeouts { first_byte: soon, between: soon, ..quick() }
}

#[tokio::test]
async fn a_silent_provider_times_out() {
    assert_eq!(fails(Act::Stall(Vec::new()), short_timeouts()).await.fault, ModelFault::TimedOut);
}

#[tokio::test]
async fn a_provider_that_stalls_in_the_middle_times_out() {
    for begun in [
        stream(&[]),
        stream(&[&chunk("h")]),
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec(),
        b"HTTP/1.1 200 OK\r\ncontent-le".to_vec(),
    ] {
        assert_eq!(fails(Act::Stall(begun), short_timeouts()).await.fault, ModelFault::TimedOut);
    }
}

#[tokio::test]
async fn a_provider_that_drips_without_end_times_out() {
    let timeout = Timeouts { whole: Duration::from_millis(100), ..quick() };
    let drip = Act::Endless(stream(&[]), b": still thinking\n".to_vec());
    assert_eq!(fails(drip, timeout).await.fault, ModelFault::TimedOut);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_an_error() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{\"choices\":[".to_vec();
    assert_eq!(fault(Act::Say(cut)).await, ModelFault::Cut);
    assert_eq!(fault(Act::Say(stream(&[&chunk("half an ans")]))).await, ModelFault::Cut);
    let mut torn = stream(&[]);
    torn.extend(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hal");
    assert_eq!(fault(Act::Say(torn)).await, ModelFault::Malformed);
}

#[tokio::test]
async fn an_answer_that_began_and_was_cut_off_is_not_retried() {
    let provider = Provider::plays([Act::Say(stream(&[&chunk("half")])), good("whole")]).await;
    let (text, mut received) = mpsc::channel(8);
    let messages = messages();
    let error = provider.endpoint().stream(&request(&messages), &text).await.unwrap_err();
    assert_eq!((error.fault, received.try_recv().unwrap().as_str()), (ModelFault::Cut, "half"));
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test]
async fn an_answer_of_another_form_is_malformed() {
    for body in
        ["", "their words", "[]", "{}", r#"{"choices":[]}"#, r#"{"choices":[{"message":"their words"}]}"#]
    {
        assert_eq!(fault(answer("200 OK", "", body)).await, ModelFault::Malformed, "{body}");
    }
    assert_eq!(fault(Act::Say(stream(&["their words"]))).await, ModelFault::Malformed);
    assert_eq!(fault(answer("204 No Content", "", "")).await, ModelFault::Malformed);
}

#[tokio::test]
async fn a_server_that_does_not_speak_http_is_unreachable() {
    assert_eq!(fault(Act::Say(b"SSH-2.0-OpenSSH_9\r\n".to_vec())).await, ModelFault::Unreachable);
    assert_eq!(fault(Act::HangUp).await, ModelFault::Unreachable);
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_ends_it() {
    let events = [&chunk("h") as &str, r#"{"error":{"message":"their words"}}"#, DONE];
    assert_eq!(fault(Act::Say(stream(&events))).await, ModelFault::Cut);
}

#[tokio::test]
async fn a_huge_answer_is_not_kept() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n".to_vec();
    assert_eq!(fault(Act::Endless(head, vec![b' '; 65_536])).await, ModelFault::TooLarge);
    let text = format!("data: {}\n\n", chunk(&"x".repeat(100_000)));
    assert_eq!(fault(Act::Endless(stream(&[]), text.into_bytes())).await, ModelFault::TooLarge);
    let headers = b"HTTP/1.1 200 OK\r\n".to_vec();
    let filler = Act::Endless(headers, b"x-filler: x\r\n".repeat(1000));
    assert_eq!(fails(filler, Timeouts { retries: 0, ..quick() }).await.fault, ModelFault::Unreachable);
}

#[tokio::test]
async fn an_endless_line_is_not_kept() {
    let endless = Act::Endless(stream(&[]), vec![b'x'; 65_536]);
    assert_eq!(fault(endless).await, ModelFault::TooLarge);
}

#[tokio::test]
async fn an_endless_error_response_is_not_kept() {
    let head = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    assert_eq!(fault(Act::Endless(head, vec![b'x'; 65_536])).await, ModelFault::Refused);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Provider::plays([good("caught")]).await;
    for status in ["301 Moved Permanently", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = format!("location: http://{}/v1/chat/completions\r\n", elsewhere.at);
        assert_eq!(fault(answer(status, &location, "")).await, ModelFault::Redirected);
    }
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn each_refusal_has_its_own_fault_and_is_not_retried() {
    for (status, body, fault) in [
        ("401 Unauthorized", "", ModelFault::Unauthorised),
        ("403 Forbidden", "", ModelFault::Unauthorised),
        ("402 Payment Required", "", ModelFault::NoCredit),
        ("429 Too Many Requests", r#"{"error":{"code":"insufficient_quota"}}"#, ModelFault::NoCredit),
        ("404 Not Found", "", ModelFault::NoSuchModel),
        ("400 Bad Request", "", ModelFault::Refused),
        ("413 Payload Too Large", "", ModelFault::Refused),
        ("422 Unprocessable Entity", "", ModelFault::Refused),
    ] {
        let provider = Provider::plays([answer(status, "", body), good("second")]).await;
        let messages = messages();
        let error = provider.endpoint().complete(&request(&messages)).await.unwrap_err();
        assert_eq!((error.fault, provider.received().len()), (fault, 1), "{status}");
    }
}

#[tokio::test]
async fn the_providers_message_is_for_the_owner_and_without_the_key() {
    let body = format!(r#"{{"error":{{"message":"their words about {KEY}\u001b[31m"}}}}"#);
    let error = fails(answer("401 Unauthorized", "", &body), quick()).await;
    assert_eq!(error.to_string(), "the model's provider refuses the key");
    assert_eq!(error.source().unwrap().to_string(), "HTTP 401: their words about [key] [31m");
}

#[tokio::test]
async fn a_provider_that_is_gone_is_unreachable() {
    let gone = Provider::gone().await;
    let messages = messages();
    let error = gone.endpoint().complete(&request(&messages)).await.unwrap_err();
    assert_eq!(error.fault, ModelFault::Unreachable);
    assert!(!format!("{error:?}").contains("/v1/chat"), "{error:?}");
}

#[tokio::test]
async fn a_server_without_tls_gets_no_request() {
    let provider = Provider::plays([good("unencrypted")]).await;
    let settings = Settings {
        base_url: format!("https://{}/v1", provider.at).parse().unwrap(),
        model: "tiny".to_owned(),
        key: Some(KEY.parse().unwrap()),
        timeout: Timeouts { first_byte: Duration::from_millis(300), ..quick() },
    };
    let messages = messages();
    let answer = Endpoint::new(settings).unwrap().complete(&request(&messages)).await;
    assert!(matches!(answer.unwrap_err().fault, ModelFault::Unreachable | ModelFault::TimedOut));
    assert!(provider.received().is_empty());
    assert_eq!("http://example.com/v1".parse::<BaseUrl>(), Err(BadUrl::Plain));
}

#[tokio::test]
async fn an_invalid_request_is_not_sent() {
    let provider = Provider::plays([Act::Say(stream(&[END, DONE]))]).await;
    let endpoint = provider.endpoint();
    let hot = Options { temperature: Some(2.1), ..Options::default() };
    let odd = Options { temperature: Some(f32::NAN), ..Options::default() };
    let many = vec![Message::new(Role::User, ""); MAX_MESSAGES + 1];
    let long = [Message::new(Role::User, "x".repeat(MAX_TEXT)), Message::new(Role::User, "x")];
    for request in [
        request(&[]),
        request(&many),
        request(&long),
        ChatRequest { messages: &messages(), options: hot },
        ChatRequest { messages: &messages(), options: odd },
    ] {
        assert_eq!(endpoint.complete(&request).await.unwrap_err().fault, ModelFault::InvalidRequest);
    }
    assert!(provider.received().is_empty());
}

#[tokio::test]
async fn a_request_that_is_dropped_ends() {
    let provider = Provider::plays([Act::Stall(stream(&[&chunk("h")]))]).await;
    let (endpoint, messages) = (provider.endpoint(), messages());
    let ((text, mut received), request) = (mpsc::channel(8), request(&messages));
    tokio::select! {
        answer = endpoint.stream(&request, &text) => panic!("{answer:?}"),
        first = received.recv() => assert_eq!(first.as_deref(), Some("h")),
    }
}
