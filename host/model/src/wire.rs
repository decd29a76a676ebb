//! JSON of the chat interface.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::{ChatRequest, Finish, Message, Role, Usage};
use crate::error::{ModelError, ModelFault};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Format>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    content: &'a str,
}

impl<'a> From<&'a Message> for WireMessage<'a> {
    fn from(message: &'a Message) -> Self {
        Self { role: role(message.role), content: &message.content }
    }
}

#[derive(Serialize)]
struct Format {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// The body of a request.
pub(crate) fn body(
    model: &str,
    request: &ChatRequest<'_>,
    stream: bool,
    is_openai: bool,
) -> serde_json::Result<Vec<u8>> {
    let options = &request.options;
    serde_json::to_vec(&Body {
        model,
        messages: request.messages.iter().map(WireMessage::from).collect(),
        temperature: options.temperature,
        max_tokens: options.max_tokens.filter(|_| !is_openai),
        max_completion_tokens: options.max_tokens.filter(|_| is_openai),
        response_format: options.json.then_some(Format { kind: "json_object" }),
        stream,
        stream_options: stream.then_some(StreamOptions { include_usage: true }),
    })
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// A whole answer, or one event of a stream.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Value,
    #[serde(default)]
    error: Value,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    #[serde(alias = "delta", default)]
    message: Option<Content>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    content: Option<String>,
    /// The model's text when it refuses to answer.
    #[serde(default)]
    refusal: Option<String>,
}

/// The used part of an answer, or of one event of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Whether it holds a choice; the last events of a stream do not.
    pub(crate) choice: bool,
    pub(crate) text: String,
    pub(crate) refused: bool,
    pub(crate) finish: Option<Finish>,
    pub(crate) usage: Option<Usage>,
}

pub(crate) fn read(body: &[u8]) -> Result<Chunk, ModelError> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    if !answer.error.is_null() {
        // A stream reports errors here, since its status was sent before.
        return Err(ModelFault::Cut.into());
    }
    let usage = usage(&answer.usage);
    let Some(choice) = answer.choices.into_iter().find(|choice| choice.index == 0) else {
        return Ok(Chunk { usage, ..Chunk::default() });
    };
    let finish = choice.finish_reason.as_deref().map(finish).transpose()?;
    let content = choice.message.unwrap_or(Content { content: None, refusal: None });
    let refused = content.refusal.is_some_and(|refusal| !refusal.is_empty());
    Ok(Chunk { choice: true, text: content.content.unwrap_or_default(), refused, finish, usage })
}

/// Keeps the kind of the error and its place. Its message would quote the answer.
fn malformed(error: &serde_json::Error) -> ModelError {
    let (line, column, kind) = (error.line(), error.column(), error.classify());
    ModelFault::Malformed.because(format!("{kind:?} error at line {line}, column {column}"))
}

/// Other reasons count as `stop`: they concern tools, and we offer none.
fn finish(reason: &str) -> Result<Finish, ModelError> {
    match reason {
        "length" | "max_tokens" => Ok(Finish::Length),
        "content_filter" => Ok(Finish::Filtered),
        "insufficient_system_resource" => Err(ModelFault::Cut.into()),
        _ => Ok(Finish::Stop),
    }
}

fn usage(usage: &Value) -> Option<Usage> {
    let tokens = |name: &str| usage[name].as_u64();
    Some(Usage { input: tokens("prompt_tokens")?, output: tokens("completion_tokens")?, estimated: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Options;

    fn sent(options: Options, stream: bool, is_openai: bool) -> String {
        let messages = [Message::new(Role::System, "be brief"), Message::new(Role::User, "\"hi\"\n")];
        let request = ChatRequest { messages: &messages, options };
        String::from_utf8(body("m", &request, stream, is_openai).unwrap()).unwrap()
    }

    #[test]
    fn a_request_holds_only_the_options_that_were_set() {
        let messages =
            r#""messages":[{"role":"system","content":"be brief"},{"role":"user","content":"\"hi\"\n"}]"#;
        let plain = sent(Options::default(), false, false);
        assert_eq!(plain, format!(r#"{{"model":"m",{messages},"stream":false}}"#));
        let options = Options { temperature: Some(0.7), max_tokens: Some(5), json: true };
        let json = r#""response_format":{"type":"json_object"},"stream":true,"stream_options":{"include_usage":true}"#;
        let full =
            |limit: &str| format!(r#"{{"model":"m",{messages},"temperature":0.7,"{limit}":5,{json}}}"#);
        assert_eq!(sent(options, true, false), full("max_tokens"));
        assert_eq!(sent(options, true, true), full("max_completion_tokens"));
    }

    #[test]
    fn an_answer_is_read_with_missing_and_unknown_members() {
        let read = |text: &str| read(text.as_bytes()).map_err(|error| error.fault);
        let whole = read(
            r#"{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"hi","reasoning_content":"…"},
               "finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#,
        );
        let usage = Usage { input: 9, output: 2, estimated: false };
        assert_eq!(
            whole,
            Ok(Chunk {
                choice: true,
                text: "hi".into(),
                refused: false,
                finish: Some(Finish::Stop),
                usage: Some(usage)
            })
        );
        let event =
            read(r#"{"choices":[{"delta":{"content":"a"},"finish_reason":null}],"usage":null}"#).unwrap();
        assert_eq!((event.text.as_str(), event.finish, event.usage), ("a", None, None));
        let last = read(r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#).unwrap();
        assert_eq!((last.choice, last.usage.map(|usage| usage.output)), (false, Some(2)));
        let refusal =
            read(r#"{"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}]}"#);
        assert!(refusal.unwrap().refused);
        let odd = read(
            r#"{"choices":[{"message":{"content":""}}],"usage":{"prompt_tokens":-1,"completion_tokens":2}}"#,
        );
        assert_eq!(odd.unwrap().usage, None);
    }

    #[test]
    fn a_malformed_answer_is_not_quoted_in_the_error() {
        for (text, fault) in [
            ("<html>secret</html>", ModelFault::Malformed),
            (r#"{"choices":"secret"}"#, ModelFault::Malformed),
            (r#"{"choices":[{"message":{"content":7}}]}"#, ModelFault::Malformed),
            (r#"{"error":{"message":"secret"}}"#, ModelFault::Cut),
            (r#"{"choices":[{"delta":{},"finish_reason":"insufficient_system_resource"}]}"#, ModelFault::Cut),
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert_eq!(error.fault, fault, "{text}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }
}
