//! Calls the skills of other agents that its input tells it to call, and answers with what it got.

#![cfg(target_family = "wasm")]

use coworker_skill::SkillError;
use coworker_skill::peers::{self, PeerError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

coworker_skill::skills! {
    /// Calls skills of other agents and tells all of it.
    pass {}
    /// The same under another name.
    pass_on {}
    /// And another.
    pass_far {}
    /// Calls one skill and fails if that does, in the words of the SDK.
    rely {}
}

#[derive(Deserialize, JsonSchema)]
pub struct Ask {
    /// One after another.
    pub calls: Vec<Call>,
}

#[derive(Deserialize, JsonSchema)]
pub struct Call {
    pub peer: String,
    pub skill: String,
    pub input: Value,
    /// How many spaces stand before the input.
    #[serde(default)]
    pub spaces: usize,
    /// How often it is called; only the last answer is told.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

#[derive(Serialize, JsonSchema)]
pub struct Told {
    pub output: Option<Value>,
    /// The name of the error.
    pub error: Option<String>,
    /// The peer's code, if it was the peer's answer.
    pub code: Option<String>,
    /// The host's or the peer's words.
    pub why: String,
}

/// The skill itself.
pub fn pass(Ask { calls }: Ask) -> Result<Vec<Told>, SkillError> {
    Ok(calls.iter().map(called).collect())
}

/// The same under another name.
pub fn pass_on(ask: Ask) -> Result<Vec<Told>, SkillError> {
    pass(ask)
}

/// And another.
pub fn pass_far(ask: Ask) -> Result<Vec<Told>, SkillError> {
    pass(ask)
}

/// Fails as a skill would that was written without a thought for failure.
pub fn rely(call: Call) -> Result<Value, SkillError> {
    Ok(peers::ask(&call.peer, &call.skill, &call.input)?)
}

fn called(call: &Call) -> Told {
    let input = " ".repeat(call.spaces) + &call.input.to_string();
    for _ in 1..call.times {
        let _ = peers::call(&call.peer, &call.skill, &input);
    }
    match peers::call(&call.peer, &call.skill, &input) {
        Ok(output) => {
            let output = serde_json::from_str(&output).ok();
            Told { output, error: None, code: None, why: String::new() }
        }
        Err(error) => told(error),
    }
}

fn told(error: PeerError) -> Told {
    let (name, code, why) = match error {
        PeerError::Denied(why) => ("denied", None, why),
        PeerError::Unavailable(why) => ("unavailable", None, why),
        PeerError::Refused { code, message } => ("refused", Some(code), message),
        PeerError::Deadline => ("deadline", None, String::new()),
        PeerError::Cancelled => ("cancelled", None, String::new()),
        PeerError::Other(why) => ("other", None, why),
    };
    Told { output: None, error: Some(name.to_owned()), code, why }
}
