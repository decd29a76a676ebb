//! Other agents' skills, as far as the owner granted them.
//!
//! What a peer answers is data, as is all that somebody else wrote. Off `wasm32`, where tests run, there are no
//! peers: every call is answered with [`PeerError::Unavailable`].

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::coworker::skill::peers as host;
use crate::error::SkillError;

/// Why there is no output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerError {
    /// This call may not ask that peer for that skill.
    Denied(String),
    /// The peer cannot be reached now.
    Unavailable(String),
    /// The peer answered without a result.
    Refused {
        /// Such as `UNKNOWN_SKILL`, `INVALID_INPUT` or `SKILL_FAILED`.
        code: String,
        /// The peer's words: data, like its output.
        message: String,
    },
    /// The time of this call was up.
    Deadline,
    /// This call was withdrawn.
    Cancelled,
    /// Anything else.
    Other(String),
}

/// Calls a skill of another agent and waits for its output, at most as long as this call lasts.
///
/// `peer` is its id, or the name by which the owner knows it; `input` and the output are JSON texts.
///
/// # Errors
/// Without the owner's grant of that peer and skill, where the peer cannot be reached, and with the peer's own
/// answer that there is no result.
pub fn call(peer: &str, skill: &str, input: &str) -> Result<String, PeerError> {
    if !cfg!(target_arch = "wasm32") {
        return Err(PeerError::Unavailable("there are no peers outside of coworker".to_owned()));
    }
    host::call(peer, skill, input).map_err(Into::into)
}

/// The same for typed input and output.
///
/// # Errors
/// As [`call`]; and [`PeerError::Other`] for an output of another type.
pub fn ask<I: Serialize, O: DeserializeOwned>(peer: &str, skill: &str, input: &I) -> Result<O, PeerError> {
    let other = |why: serde_json::Error| PeerError::Other(why.to_string());
    let output = call(peer, skill, &serde_json::to_string(input).map_err(other)?)?;
    serde_json::from_str(&output).map_err(other)
}

impl From<host::PeerError> for PeerError {
    fn from(error: host::PeerError) -> Self {
        match error {
            host::PeerError::Denied(why) => Self::Denied(why),
            host::PeerError::Unavailable(why) => Self::Unavailable(why),
            host::PeerError::Refused(host::Refusal { code, message }) => Self::Refused { code, message },
            host::PeerError::Deadline => Self::Deadline,
            host::PeerError::Cancelled => Self::Cancelled,
            host::PeerError::Other(why) => Self::Other(why),
        }
    }
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(why) | Self::Unavailable(why) | Self::Other(why) => f.write_str(why),
            Self::Refused { code, message } => write!(f, "{code}: {message}"),
            Self::Deadline => f.write_str("the peer did not answer in time"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

impl std::error::Error for PeerError {}

/// For a skill that cannot do without its peer. What the peer said is not passed on: its words are for this
/// skill, and who called this skill need not know of that peer.
impl From<PeerError> for SkillError {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Denied(_) => Self::Denied("this skill may not ask whom it needs for that".to_owned()),
            PeerError::Cancelled => Self::Cancelled,
            PeerError::Deadline => Self::Deadline,
            PeerError::Unavailable(_) | PeerError::Refused { .. } | PeerError::Other(_) => {
                Self::Unavailable("another agent that this skill needs gives no answer".to_owned())
            }
        }
    }
}
