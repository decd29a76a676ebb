use coworker_model::{ChatRequest, Completion, Finish, Options, Usage};
use tokio::sync::mpsc;

use crate::provider::{Act, DONE, END, KEY, Provider, USED, answer, chunk, good, messages, request, stream};

const USAGE: Usage = Usage { input: 7, output: 3, estimated: false };

#[tokio::test]
async fn an_answer_has_its_usage_and_the_request_has_the_key() {
    let provider = Provider::plays([good("hi")]).await;
    let options = Options { temperature: Some(0.0), max_tokens: Some(9), json: true };
    let messages = messages();
    let answer = provider.endpoint().complete(&ChatRequest { messages: &messages, options }).await.unwrap();
    assert_eq!(answer, Completion { text: "hi".to_owned(), finish: Finish::Stop, usage: USAGE });
    let [received] = &provider.received()[..] else { panic!("one request") };
    assert!(received.head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{}", received.head);
    assert!(received.head.contains(&format!("authorization: bearer {KEY}\r\n")), "{}", received.head);
    assert_eq!(received.body["model"], "tiny");
    assert_eq!(received.body["messages"][1], serde_json::json!({"role": "user", "content": "hello?"}));
    assert_eq!((&received.body["max_tokens"], &received.body["stream"]), (&9.into(), &false.into()));
}

#[tokio::test]
async fn a_stream_is_passed_on_as_it_arrives() {
    let events = [&chunk("h") as &str, &chunk("ä"), &chunk(""), END, USED, DONE];
    let provider = Provider::plays([Act::Stall(stream(&events))]).await;
    let (text, mut received) = mpsc::channel(8);
    let messages = messages();
    // The connection stays open, so the answer ends by the stream's own end marker.
    let answer = provider.endpoint().stream(&request(&messages), &text).await.unwrap();
    assert_eq!(answer, Completion { text: "hä".to_owned(), finish: Finish::Stop, usage: USAGE });
    assert_eq!([received.try_recv().unwrap(), received.try_recv().unwrap()], ["h", "ä"]);
    assert!(received.try_recv().is_err());
    let body = &provider.received()[0].body;
    assert_eq!((&body["stream"], &body["stream_options"]["include_usage"]), (&true.into(), &true.into()));
}

#[tokio::test]
async fn a_stream_waits_for_its_receiver_and_goes_on_without_it() {
    let chunks: Vec<String> = (0..100).map(|n| chunk(&format!("{n} "))).collect();
    let mut events: Vec<&str> = chunks.iter().map(String::as_str).collect();
    events.extend([END, DONE]);
    let provider = Provider::plays([Act::Say(stream(&events))]).await;
    let (text, mut received) = mpsc::channel::<String>(1);
    let receiver = tokio::spawn(async move {
        let mut start = String::new();
        while start.len() < 100 {
            start += &received.recv().await.unwrap();
        }
        start
    });
    let messages = messages();
    let answer = provider.endpoint().stream(&request(&messages), &text).await.unwrap();
    assert!(answer.text.starts_with(&receiver.await.unwrap()) && answer.text.ends_with("98 99 "));
}

#[tokio::test]
async fn an_answer_that_is_not_streamed_is_passed_on_whole() {
    let provider = Provider::plays([good("all at once")]).await;
    let (text, mut received) = mpsc::channel(8);
    let messages = messages();
    let answer = provider.endpoint().stream(&request(&messages), &text).await.unwrap();
    assert_eq!((answer.text.as_str(), received.try_recv().unwrap().as_str()), ("all at once", "all at once"));
}

#[tokio::test]
async fn usage_that_the_server_does_not_report_is_estimated() {
    let body = r#"{"choices":[{"message":{"content":"123456"},"finish_reason":"length"}]}"#;
    let provider = Provider::plays([answer("200 OK", "", body)]).await;
    let messages = messages();
    let answer = provider.endpoint().complete(&request(&messages)).await.unwrap();
    // Request: 8 and 6 bytes, 4 tokens around each. Answer: 6 bytes.
    assert_eq!(answer.usage, Usage { input: 13, output: 2, estimated: true });
    assert_eq!(answer.finish, Finish::Length);
}

#[tokio::test]
async fn nothing_prints_the_key() {
    let provider = Provider::plays([good("")]).await;
    let printed = format!("{:?}", provider.endpoint());
    assert!(printed.contains("tiny") && !printed.contains(KEY), "{printed}");
}
