use coworker_model::{Ask, Completion, Finish, Options, Usage};
use tokio::sync::mpsc;

use crate::provider::{Act, DONE, END, KEY, Provider, USED, answer, asked, good, piece, question, stream};

const USAGE: Usage = Usage { input: 7, output: 3, estimated: false };

#[tokio::test]
async fn an_answer_comes_with_what_it_used_and_the_key_went_where_it_belongs() {
    let provider = Provider::plays([good("hi")]).await;
    let options = Options { temperature: Some(0.0), max_tokens: Some(9), json: true };
    let messages = question();
    let answer = provider.endpoint().complete(&Ask { messages: &messages, options }).await.unwrap();
    assert_eq!(answer, Completion { text: "hi".to_owned(), finish: Finish::Stop, usage: USAGE });
    let [heard] = &provider.heard()[..] else { panic!("one request") };
    assert!(heard.head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{}", heard.head);
    assert!(heard.head.contains(&format!("authorization: bearer {KEY}\r\n")), "{}", heard.head);
    assert_eq!(heard.body["model"], "tiny");
    assert_eq!(heard.body["messages"][1], serde_json::json!({"role": "user", "content": "hello?"}));
    assert_eq!((&heard.body["max_tokens"], &heard.body["stream"]), (&9.into(), &false.into()));
}

#[tokio::test]
async fn a_stream_is_told_as_it_comes() {
    let events = [&piece("h") as &str, &piece("ä"), &piece(""), END, USED, DONE];
    let provider = Provider::plays([Act::Stall(stream(&events))]).await;
    let (tell, mut told) = mpsc::channel(8);
    let messages = question();
    // The connection stays open: that it is all is said by the stream.
    let answer = provider.endpoint().stream(&asked(&messages), &tell).await.unwrap();
    assert_eq!(answer, Completion { text: "hä".to_owned(), finish: Finish::Stop, usage: USAGE });
    assert_eq!([told.try_recv().unwrap(), told.try_recv().unwrap()], ["h", "ä"]);
    assert!(told.try_recv().is_err());
    let body = &provider.heard()[0].body;
    assert_eq!((&body["stream"], &body["stream_options"]["include_usage"]), (&true.into(), &true.into()));
}

#[tokio::test]
async fn a_stream_waits_for_who_listens_and_goes_on_without() {
    let pieces: Vec<String> = (0..100).map(|n| piece(&format!("{n} "))).collect();
    let mut events: Vec<&str> = pieces.iter().map(String::as_str).collect();
    events.extend([END, DONE]);
    let provider = Provider::plays([Act::Say(stream(&events))]).await;
    let (tell, mut told) = mpsc::channel::<String>(1);
    let listener = tokio::spawn(async move {
        let mut heard = String::new();
        while heard.len() < 100 {
            heard += &told.recv().await.unwrap();
        }
        heard
    });
    let messages = question();
    let answer = provider.endpoint().stream(&asked(&messages), &tell).await.unwrap();
    assert!(answer.text.starts_with(&listener.await.unwrap()) && answer.text.ends_with("98 99 "));
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood_as_well() {
    let provider = Provider::plays([good("all at once")]).await;
    let (tell, mut told) = mpsc::channel(8);
    let messages = question();
    let answer = provider.endpoint().stream(&asked(&messages), &tell).await.unwrap();
    assert_eq!((answer.text.as_str(), told.try_recv().unwrap().as_str()), ("all at once", "all at once"));
}

#[tokio::test]
async fn what_a_server_does_not_count_is_estimated() {
    let body = r#"{"choices":[{"message":{"content":"123456"},"finish_reason":"length"}]}"#;
    let provider = Provider::plays([answer("200 OK", "", body)]).await;
    let messages = question();
    let answer = provider.endpoint().complete(&asked(&messages)).await.unwrap();
    // 8 and 6 bytes with two frames; 6 bytes.
    assert_eq!(answer.usage, Usage { input: 13, output: 2, estimated: true });
    assert_eq!(answer.finish, Finish::Length);
}

#[tokio::test]
async fn nothing_prints_the_key() {
    let provider = Provider::plays([good("")]).await;
    let printed = format!("{:?}", provider.endpoint());
    assert!(printed.contains("tiny") && !printed.contains(KEY), "{printed}");
}
