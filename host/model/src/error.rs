use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::key::Key;

type Cause = Box<dyn Error + Send + Sync>;

/// A request that failed. Its text is fixed; the provider's message is the source, for the owner only.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub struct ModelError {
    pub fault: ModelFault,
    #[source]
    pub(crate) cause: Option<Cause>,
}

/// The kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelFault {
    /// No message, more than [`MAX_MESSAGES`](crate::MAX_MESSAGES), more text than
    /// [`MAX_TEXT`](crate::MAX_TEXT), or a temperature outside 0 to 2. Nothing was sent.
    #[error("invalid model request")]
    InvalidRequest,
    #[error("the model's provider refuses the key")]
    Unauthorised,
    #[error("the account at the model's provider has no credit left")]
    NoCredit,
    #[error("the provider has no model of this name")]
    NoSuchModel,
    /// Still limited after all retries. `again` is the pause that the provider asked for.
    #[error("the model's provider limits the rate of requests")]
    RateLimited { again: Option<Duration> },
    #[error("the model's provider is overloaded or broken")]
    Overloaded,
    #[error("the model's provider refuses the request")]
    Refused,
    #[error("the model's provider redirects to another address; the configured one may be wrong")]
    Redirected,
    #[error("the model's provider cannot be reached")]
    Unreachable,
    #[error("the model did not answer in time")]
    TimedOut,
    /// The provider began to answer and stopped before the end.
    #[error("the model's answer was cut off")]
    Cut,
    #[error("the model's answer is malformed")]
    Malformed,
    #[error("the model's answer is too large")]
    TooLarge,
}

impl ModelFault {
    /// Whether the provider may charge for the request although it failed: it had received it.
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

/// A provider's message about an error, shortened and cleaned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Excerpt(String);

impl Excerpt {
    /// Longest excerpt, in characters.
    const MAX: usize = 300;

    /// Takes the message out of a body of the usual form, or the start of any other body. Removes the key,
    /// which some providers quote.
    pub(crate) fn of(status: u16, body: &[u8], key: Option<&Key>) -> Self {
        let text = match message(body) {
            Some(message) => message,
            None => String::from_utf8_lossy(body).into_owned(),
        };
        let text = key.map_or_else(|| text.clone(), |key| key.hidden_in(&text));
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        Self(format!("HTTP {status}: {}", text.chars().map(plain).take(Self::MAX).collect::<String>().trim()))
    }
}

/// The provider's code for the error, if the body has the usual form.
pub(crate) fn code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body["error"]["code"].as_str().or_else(|| body["error"]["type"].as_str()).map(str::to_owned)
}

fn message(body: &[u8]) -> Option<String> {
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
        // The key is removed before the text is shortened, so no part of it can remain.
        let long = excerpt(&format!("{}sk-secret", "x".repeat(Excerpt::MAX - 3)));
        assert!(!long.contains("sk-") && long.len() < Excerpt::MAX + 12, "{long}");
    }
}
