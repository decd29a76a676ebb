use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::key::Key;

type Cause = Box<dyn Error + Send + Sync>;

/// A question without an answer. Its text is ours; what the provider said is the cause, for the owner alone.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub struct ModelError {
    pub fault: ModelFault,
    #[source]
    pub(crate) cause: Option<Cause>,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelFault {
    /// The question holds more than [`MAX_TEXT`](crate::MAX_TEXT), more messages than
    /// [`MAX_MESSAGES`](crate::MAX_MESSAGES), none, or a temperature that is none. It was not sent.
    #[error("this is no question for a model")]
    BadAsk,
    #[error("the model's provider refuses the key")]
    Unauthorised,
    #[error("the account at the model's provider is used up")]
    NoCredit,
    #[error("the provider has no such model")]
    NoSuchModel,
    /// Also after waiting as often as we do. When to come back, if the provider said so.
    #[error("the model's provider wants fewer questions")]
    RateLimited { again: Option<Duration> },
    #[error("the model's provider is overloaded or broken")]
    Overloaded,
    #[error("the model's provider refuses the question")]
    Refused,
    #[error("the model's provider points elsewhere; the address may be wrong")]
    Redirected,
    #[error("the model's provider cannot be reached")]
    Unreachable,
    #[error("the model took too long")]
    TimedOut,
    /// The provider had begun to answer, and broke off.
    #[error("the model's answer was cut off")]
    Cut,
    #[error("the model's answer makes no sense")]
    Malformed,
    #[error("the model's answer is too large")]
    TooLarge,
}

impl ModelFault {
    /// Whether the provider may have counted the question all the same: it had it, and took its time.
    pub fn may_cost(self) -> bool {
        matches!(self, Self::TimedOut | Self::Cut | Self::Malformed | Self::TooLarge)
    }

    pub(crate) fn because(self, cause: impl Into<Cause>) -> ModelError {
        ModelError { fault: self, cause: Some(cause.into()) }
    }
}

impl From<ModelFault> for ModelError {
    fn from(fault: ModelFault) -> Self {
        Self { fault, cause: None }
    }
}

/// What a provider said about an error, cut and cleaned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Excerpt(String);

impl Excerpt {
    /// Characters.
    const MAX: usize = 300;

    /// Of a body: the message in it, if it has the usual form. Without the key, which it may quote.
    pub(crate) fn of(status: u16, body: &[u8], key: Option<&Key>) -> Self {
        let text = match said(body) {
            Some(message) => message,
            None => String::from_utf8_lossy(body).into_owned(),
        };
        let text = key.map_or_else(|| text.clone(), |key| key.hidden_in(&text));
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        Self(format!("HTTP {status}: {}", text.chars().map(plain).take(Self::MAX).collect::<String>().trim()))
    }
}

/// The code that the provider gives the error, if it has the usual form.
pub(crate) fn code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body["error"]["code"].as_str().or_else(|| body["error"]["type"].as_str()).map(str::to_owned)
}

fn said(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body["error"]["message"].as_str().or_else(|| body["error"].as_str()).map(str::to_owned)
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Excerpt {}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(body: &str) -> String {
        Excerpt::of(401, body.as_bytes(), Some(&"sk-secret".parse().unwrap())).to_string()
    }

    #[test]
    fn an_excerpt_is_short_clean_and_without_the_key() {
        assert_eq!(excerpt(r#"{"error":{"message":"bad sk-secret\u001b[2J"}}"#), "HTTP 401: bad [key] [2J");
        assert_eq!(excerpt(r#"{"error":"no"}"#), "HTTP 401: no");
        assert_eq!(excerpt("<h1>sk-secret</h1>\n"), "HTTP 401: <h1>[key]</h1>");
        // A key that would be cut in two is hidden before.
        let long = excerpt(&format!("{}sk-secret", "x".repeat(Excerpt::MAX - 3)));
        assert!(!long.contains("sk-") && long.len() < Excerpt::MAX + 12, "{long}");
    }
}
