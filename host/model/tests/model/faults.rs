use std::error::Error as _;
use std::time::Duration;

use coworker_model::{
    Ask, BadUrl, BaseUrl, Endpoint, MAX_MESSAGES, MAX_TEXT, Message, ModelError, ModelFault, Options, Role,
    Settings, Timeouts,
};
use tokio::sync::mpsc;

use crate::provider::{Act, DONE, END, KEY, Provider, answer, asked, good, piece, question, quick, stream};

/// Asks once, and as a stream; both have to fail in the same way.
async fn fails(act: Act, timeout: Timeouts) -> ModelError {
    let provider = Provider::plays([act]).await;
    let (endpoint, messages) = (provider.endpoint_with(timeout), question());
    let whole = endpoint.complete(&asked(&messages)).await.unwrap_err();
    let (tell, _told) = mpsc::channel(64);
    let streamed = endpoint.stream(&asked(&messages), &tell).await.unwrap_err();
    assert_eq!(whole.fault, streamed.fault);
    for error in [&whole, &streamed] {
        let told = format!("{error} {error:?} {:?}", error.source().map(ToString::to_string));
        assert!(!told.contains(KEY), "{told}");
        assert!(!error.to_string().contains("their words"), "{error}");
    }
    whole
}

async fn fault(act: Act) -> ModelFault {
    fails(act, quick()).await.fault
}

fn impatient() -> Timeouts {
    let soon = Duration::from_millis(60);
    Timeouts { first_byte: soon, between: soon, ..quick() }
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    assert_eq!(fails(Act::Stall(Vec::new()), impatient()).await.fault, ModelFault::TimedOut);
}

#[tokio::test]
async fn who_stalls_in_the_middle_is_not_waited_for() {
    for begun in [
        stream(&[]),
        stream(&[&piece("h")]),
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec(),
        b"HTTP/1.1 200 OK\r\ncontent-le".to_vec(),
    ] {
        assert_eq!(fails(Act::Stall(begun), impatient()).await.fault, ModelFault::TimedOut);
    }
}

#[tokio::test]
async fn who_drips_for_ever_is_left() {
    let timeout = Timeouts { whole: Duration::from_millis(100), ..quick() };
    let drip = Act::Endless(stream(&[]), b": still thinking\n".to_vec());
    assert_eq!(fails(drip, timeout).await.fault, ModelFault::TimedOut);
}

#[tokio::test]
async fn an_answer_that_is_cut_is_no_answer() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{\"choices\":[".to_vec();
    assert_eq!(fault(Act::Say(cut)).await, ModelFault::Cut);
    assert_eq!(fault(Act::Say(stream(&[&piece("half an ans")]))).await, ModelFault::Cut);
    let mut torn = stream(&[]);
    torn.extend(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hal");
    assert_eq!(fault(Act::Say(torn)).await, ModelFault::Malformed);
}

#[tokio::test]
async fn what_was_heard_before_the_cut_is_not_asked_for_again() {
    let provider = Provider::plays([Act::Say(stream(&[&piece("half")])), good("whole")]).await;
    let (tell, mut told) = mpsc::channel(8);
    let messages = question();
    let error = provider.endpoint().stream(&asked(&messages), &tell).await.unwrap_err();
    assert_eq!((error.fault, told.try_recv().unwrap().as_str()), (ModelFault::Cut, "half"));
    assert_eq!(provider.heard().len(), 1);
}

#[tokio::test]
async fn what_is_no_answer_is_malformed() {
    for body in
        ["", "their words", "[]", "{}", r#"{"choices":[]}"#, r#"{"choices":[{"message":"their words"}]}"#]
    {
        assert_eq!(fault(answer("200 OK", "", body)).await, ModelFault::Malformed, "{body}");
    }
    assert_eq!(fault(Act::Say(stream(&["their words"]))).await, ModelFault::Malformed);
    assert_eq!(fault(answer("204 No Content", "", "")).await, ModelFault::Malformed);
}

#[tokio::test]
async fn a_server_that_speaks_another_language_is_not_reached() {
    assert_eq!(fault(Act::Say(b"SSH-2.0-OpenSSH_9\r\n".to_vec())).await, ModelFault::Unreachable);
    assert_eq!(fault(Act::HangUp).await, ModelFault::Unreachable);
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_ends_it() {
    let events = [&piece("h") as &str, r#"{"error":{"message":"their words"}}"#, DONE];
    assert_eq!(fault(Act::Say(stream(&events))).await, ModelFault::Cut);
}

#[tokio::test]
async fn a_huge_answer_is_not_kept() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n".to_vec();
    assert_eq!(fault(Act::Endless(head, vec![b' '; 65_536])).await, ModelFault::TooLarge);
    let text = format!("data: {}\n\n", piece(&"x".repeat(100_000)));
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
async fn an_endless_complaint_is_not_kept() {
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
    assert!(elsewhere.heard().is_empty());
}

#[tokio::test]
async fn each_refusal_has_its_name_and_is_not_asked_for_again() {
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
        let messages = question();
        let error = provider.endpoint().complete(&asked(&messages)).await.unwrap_err();
        assert_eq!((error.fault, provider.heard().len()), (fault, 1), "{status}");
    }
}

#[tokio::test]
async fn what_the_provider_says_is_for_the_owner_and_without_the_key() {
    let body = format!(r#"{{"error":{{"message":"their words about {KEY}\u001b[31m"}}}}"#);
    let error = fails(answer("401 Unauthorized", "", &body), quick()).await;
    assert_eq!(error.to_string(), "the model's provider refuses the key");
    assert_eq!(error.source().unwrap().to_string(), "HTTP 401: their words about [key] [31m");
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let gone = Provider::gone().await;
    let messages = question();
    let error = gone.endpoint().complete(&asked(&messages)).await.unwrap_err();
    assert_eq!(error.fault, ModelFault::Unreachable);
    assert!(!format!("{error:?}").contains("/v1/chat"), "{error:?}");
}

#[tokio::test]
async fn a_server_without_tls_is_not_asked_over_tls() {
    let provider = Provider::plays([good("in the clear")]).await;
    let settings = Settings {
        base_url: format!("https://{}/v1", provider.at).parse().unwrap(),
        model: "tiny".to_owned(),
        key: Some(KEY.parse().unwrap()),
        timeout: Timeouts { first_byte: Duration::from_millis(300), ..quick() },
    };
    let messages = question();
    let asked = Endpoint::new(settings).unwrap().complete(&asked(&messages)).await;
    assert!(matches!(asked.unwrap_err().fault, ModelFault::Unreachable | ModelFault::TimedOut));
    assert!(provider.heard().is_empty());
    assert_eq!("http://example.com/v1".parse::<BaseUrl>(), Err(BadUrl::Plain));
}

#[tokio::test]
async fn what_is_no_question_is_not_sent() {
    let provider = Provider::plays([Act::Say(stream(&[END, DONE]))]).await;
    let endpoint = provider.endpoint();
    let hot = Options { temperature: Some(2.1), ..Options::default() };
    let odd = Options { temperature: Some(f32::NAN), ..Options::default() };
    let many = vec![Message::new(Role::User, ""); MAX_MESSAGES + 1];
    let long = [Message::new(Role::User, "x".repeat(MAX_TEXT)), Message::new(Role::User, "x")];
    for ask in [
        asked(&[]),
        asked(&many),
        asked(&long),
        Ask { messages: &question(), options: hot },
        Ask { messages: &question(), options: odd },
    ] {
        assert_eq!(endpoint.complete(&ask).await.unwrap_err().fault, ModelFault::BadAsk);
    }
    assert!(provider.heard().is_empty());
}

#[tokio::test]
async fn a_question_that_is_dropped_ends() {
    let provider = Provider::plays([Act::Stall(stream(&[&piece("h")]))]).await;
    let (endpoint, messages) = (provider.endpoint(), question());
    let ((tell, mut told), ask) = (mpsc::channel(8), asked(&messages));
    tokio::select! {
        answer = endpoint.stream(&ask, &tell) => panic!("{answer:?}"),
        heard = told.recv() => assert_eq!(heard.as_deref(), Some("h")),
    }
}
