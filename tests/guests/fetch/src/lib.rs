//! Sends the web requests that its input lists, one after another, and tells what came of each. It does
//! nothing to stay within bounds: those are the host's to hold.

#![cfg(target_family = "wasm")]

mod exchange;

use coworker_skill::SkillError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

coworker_skill::skills! {
    /// Sends web requests.
    fetch { category: "test" }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub requests: Vec<Request>,
    /// Keep every answer until the end, unread, instead of reading each before the next request.
    #[serde(default)]
    pub hold: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    #[serde(default = "get")]
    pub method: String,
    /// `http` or `https`.
    #[serde(default = "http")]
    pub scheme: String,
    pub authority: String,
    pub path: String,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Bytes of body to send.
    #[serde(default)]
    pub body: u64,
    /// How long to wait for a connection, and then for an answer.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// How many redirects to follow, as a web client would.
    #[serde(default)]
    pub follow: u32,
}

#[derive(Serialize, JsonSchema)]
pub struct Answer {
    /// Absent if there was no answer at all.
    pub status: Option<u16>,
    /// Bytes of body that came.
    pub bytes: usize,
    /// The first of them.
    pub text: String,
    /// Why there was no answer, or why its body broke off.
    pub error: Option<String>,
}

fn get() -> String {
    "GET".to_owned()
}

fn http() -> String {
    "http".to_owned()
}

/// The skill itself.
pub fn fetch(Ask { requests, hold }: Ask) -> Result<Vec<Answer>, SkillError> {
    if hold {
        let held: Vec<_> = requests.iter().map(exchange::send).collect();
        return Ok(held.into_iter().map(exchange::read).collect());
    }
    Ok(requests.iter().map(|request| exchange::read(exchange::send(request))).collect())
}
