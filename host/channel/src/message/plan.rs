//! Messages about a goal that two agents work on together.

use std::borrow::Cow;

use coworker_policy::{ErrorCode, MessageKind, RequestId, SkillName, Text};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Message;
use super::error::MessageFault;
use super::json::{self, Empty, error_code, parse};
use crate::receipt;

/// Largest offer in a message, in bytes of JSON.
pub const MAX_OFFER: usize = 256 * 1024;
/// Most key results in a progress report.
pub const MAX_KEY_RESULTS: usize = 16;

/// The content of a message about a goal. The goal's id is in the message, the sender in the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanNews {
    /// Asks the receiver to accept its steps.
    Propose {
        /// JSON text of at most [`MAX_OFFER`] bytes, not yet parsed.
        offer: String,
    },
    Accept,
    Reject {
        /// `Internal` if the peer sent an unknown code.
        code: ErrorCode,
        message: Text,
    },
    /// The sender's progress with its steps.
    Progress {
        /// At most [`MAX_KEY_RESULTS`].
        key_results: Vec<KeyResultCount>,
    },
    /// The sender, which owns the goal, has ended it.
    Complete {
        outcome: GoalOutcome,
    },
}

/// The number of finished steps of one key result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyResultCount {
    pub id: SkillName,
    pub done: u32,
    pub of: u32,
}

/// The outcome of a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoalOutcome {
    Done,
    Failed,
    Cancelled,
}

const PROPOSE: &str = "plan_propose";
const ACCEPT: &str = "plan_accept";
const REJECT: &str = "plan_reject";
const PROGRESS: &str = "plan_progress";
const COMPLETE: &str = "plan_complete";

#[derive(Serialize, Deserialize)]
struct Of<T> {
    goal: RequestId,
    #[serde(flatten)]
    rest: T,
}

#[derive(Deserialize)]
struct OnlyGoal {
    goal: RequestId,
}

#[derive(Serialize)]
struct ProposeOut<'a> {
    goal: RequestId,
    offer: Cow<'a, RawValue>,
}

#[derive(Deserialize)]
struct ProposeIn<'a> {
    #[serde(borrow)]
    offer: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
struct RejectWire<'a> {
    #[serde(borrow)]
    code: Cow<'a, str>,
    message: Text,
}

#[derive(Serialize, Deserialize)]
struct ProgressWire {
    key_results: Vec<KeyResultCount>,
}

#[derive(Serialize, Deserialize)]
struct CompleteWire {
    outcome: GoalOutcome,
}

impl PlanNews {
    pub(super) fn kind(&self) -> MessageKind {
        if matches!(self, Self::Propose { .. }) { MessageKind::PlanPropose } else { MessageKind::Plan }
    }
}

pub(super) fn encode(id: RequestId, goal: RequestId, news: &PlanNews) -> Vec<u8> {
    let id = Some(id);
    match news {
        PlanNews::Propose { offer } => {
            json::encode(PROPOSE, id, ProposeOut { goal, offer: receipt::raw(offer) })
        }
        PlanNews::Accept => json::encode(ACCEPT, id, Of { goal, rest: Empty {} }),
        PlanNews::Reject { code, message } => {
            let rest = RejectWire { code: code.name().into(), message: message.clone() };
            json::encode(REJECT, id, Of { goal, rest })
        }
        PlanNews::Progress { key_results } => {
            let rest = ProgressWire { key_results: key_results.clone() };
            json::encode(PROGRESS, id, Of { goal, rest })
        }
        PlanNews::Complete { outcome } => {
            json::encode(COMPLETE, id, Of { goal, rest: CompleteWire { outcome: *outcome } })
        }
    }
}

/// Returns the kind of a message type, or `None` if it is not about goals.
pub(super) fn kind(name: &str) -> Option<MessageKind> {
    match name {
        PROPOSE => Some(MessageKind::PlanPropose),
        ACCEPT | REJECT | PROGRESS | COMPLETE => Some(MessageKind::Plan),
        _ => None,
    }
}

/// Reads a message of a type that [`kind`] knows.
pub(super) fn decode(name: &str, id: Option<RequestId>, bytes: &[u8]) -> Result<Message, MessageFault> {
    let id = id.ok_or(MessageFault::Id)?;
    let OnlyGoal { goal } = parse(bytes)?;
    Ok(Message::Plan { id, goal, news: news(name, bytes)? })
}

fn news(name: &str, bytes: &[u8]) -> Result<PlanNews, MessageFault> {
    Ok(match name {
        PROPOSE => {
            let ProposeIn { offer } = parse(bytes)?;
            // A peer chooses this length, so it is checked before the offer is copied or parsed.
            if offer.get().len() > MAX_OFFER {
                return Err(MessageFault::Plan("its offer is too long"));
            }
            PlanNews::Propose { offer: offer.get().to_owned() }
        }
        ACCEPT => PlanNews::Accept,
        REJECT => {
            let RejectWire { code, message } = parse(bytes)?;
            PlanNews::Reject { code: error_code(&code), message }
        }
        PROGRESS => {
            let ProgressWire { key_results } = parse(bytes)?;
            if key_results.len() > MAX_KEY_RESULTS {
                return Err(MessageFault::Plan("it reports on too many key results"));
            }
            PlanNews::Progress { key_results }
        }
        COMPLETE => {
            let CompleteWire { outcome } = parse(bytes)?;
            PlanNews::Complete { outcome }
        }
        _ => return Err(MessageFault::Type),
    })
}
