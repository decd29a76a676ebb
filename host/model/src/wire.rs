//! The chat interface as it is on the wire.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::{Ask, Finish, Role, Usage};
use crate::error::{ModelError, ModelFault};

#[derive(Serialize)]
struct Question<'a> {
    model: &'a str,
    messages: Vec<Said<'a>>,
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
struct Said<'a> {
    role: &'static str,
    content: &'a str,
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

/// The request's body.
pub(crate) fn question(
    model: &str,
    ask: &Ask<'_>,
    stream: bool,
    is_openai: bool,
) -> serde_json::Result<Vec<u8>> {
    let options = &ask.options;
    serde_json::to_vec(&Question {
        model,
        messages: ask.messages.iter().map(|m| Said { role: role(m.role), content: &m.content }).collect(),
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

/// A whole answer, or one piece of a stream.
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
    /// What a model says instead of an answer.
    #[serde(default)]
    refusal: Option<String>,
}

/// What an answer, or a piece of one, says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    /// Whether there is a choice at all: the last pieces of a stream have none.
    pub(crate) choice: bool,
    pub(crate) text: String,
    pub(crate) refused: bool,
    pub(crate) finish: Option<Finish>,
    pub(crate) usage: Option<Usage>,
}

pub(crate) fn read(body: &[u8]) -> Result<Read, ModelError> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    if !answer.error.is_null() {
        // Where the status could no longer say so.
        return Err(ModelFault::Cut.into());
    }
    let usage = usage(&answer.usage);
    let Some(choice) = answer.choices.into_iter().find(|choice| choice.index == 0) else {
        return Ok(Read { usage, ..Read::default() });
    };
    let finish = choice.finish_reason.as_deref().map(finish).transpose()?;
    let content = choice.message.unwrap_or(Content { content: None, refusal: None });
    let refused = content.refusal.is_some_and(|refusal| !refusal.is_empty());
    Ok(Read { choice: true, text: content.content.unwrap_or_default(), refused, finish, usage })
}

/// The kind of mistake and its place. The words of the error would quote the answer.
fn malformed(error: &serde_json::Error) -> ModelError {
    let (line, column, kind) = (error.line(), error.column(), error.classify());
    ModelFault::Malformed.because(format!("{kind:?} error at line {line}, column {column}"))
}

/// We offer no tools, so no other end is an end of its own.
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
    use crate::chat::{Message, Options};

    fn sent(options: Options, stream: bool, is_openai: bool) -> String {
        let messages = [Message::new(Role::System, "be brief"), Message::new(Role::User, "\"hi\"\n")];
        let ask = Ask { messages: &messages, options };
        String::from_utf8(question("m", &ask, stream, is_openai).unwrap()).unwrap()
    }

    #[test]
    fn a_question_says_what_was_asked_for_and_no_more() {
        let said =
            r#""messages":[{"role":"system","content":"be brief"},{"role":"user","content":"\"hi\"\n"}]"#;
        let plain = sent(Options::default(), false, false);
        assert_eq!(plain, format!(r#"{{"model":"m",{said},"stream":false}}"#));
        let options = Options { temperature: Some(0.7), max_tokens: Some(5), json: true };
        let json = r#""response_format":{"type":"json_object"},"stream":true,"stream_options":{"include_usage":true}"#;
        let full = |limit: &str| format!(r#"{{"model":"m",{said},"temperature":0.7,"{limit}":5,{json}}}"#);
        assert_eq!(sent(options, true, false), full("max_tokens"));
        assert_eq!(sent(options, true, true), full("max_completion_tokens"));
    }

    #[test]
    fn an_answer_is_read_with_what_providers_leave_out_or_add() {
        let read = |text: &str| read(text.as_bytes()).map_err(|error| error.fault);
        let whole = read(
            r#"{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"hi","reasoning_content":"…"},
               "finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#,
        );
        let usage = Usage { input: 9, output: 2, estimated: false };
        assert_eq!(
            whole,
            Ok(Read {
                choice: true,
                text: "hi".into(),
                refused: false,
                finish: Some(Finish::Stop),
                usage: Some(usage)
            })
        );
        let piece =
            read(r#"{"choices":[{"delta":{"content":"a"},"finish_reason":null}],"usage":null}"#).unwrap();
        assert_eq!((piece.text.as_str(), piece.finish, piece.usage), ("a", None, None));
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
    fn what_is_no_answer_is_named_without_its_words() {
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
