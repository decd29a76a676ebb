//! What two agents tell each other about a goal that they work on together.

use std::borrow::Cow;

use coworker_policy::{ErrorCode, MessageKind, RequestId, SkillName, Text};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::wire::{error_code, json_of, parse};
use super::{Message, MessageFault};
use crate::receipt;

/// Largest offer in a message, in bytes of JSON.
pub const MAX_OFFER: usize = 256 * 1024;
/// Most key results in a report.
pub const MAX_KEY_RESULTS: usize = 16;

/// What a message about a goal says. Which goal, and who says so, stand beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanNews {
    /// Asks for a yes to the steps that are the receiver's.
    Propose {
        /// JSON text, not yet read, at most [`MAX_OFFER`] bytes.
        offer: String,
    },
    Accept,
    Reject {
        /// `Internal` where the peer sent a code that we do not know.
        code: ErrorCode,
        message: Text,
    },
    /// How far the sender is with its steps.
    Progress {
        /// At most [`MAX_KEY_RESULTS`].
        key_results: Vec<KeyResultCount>,
    },
    /// The sender, whose goal it is, is done with it.
    Complete {
        outcome: GoalOutcome,
    },
}

/// Steps of one key result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyResultCount {
    pub id: SkillName,
    pub done: u32,
    pub of: u32,
}

/// How a goal ended.
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
struct Nothing {}

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
        PlanNews::Propose { offer } => json_of(PROPOSE, id, ProposeOut { goal, offer: receipt::raw(offer) }),
        PlanNews::Accept => json_of(ACCEPT, id, Of { goal, rest: Nothing {} }),
        PlanNews::Reject { code, message } => {
            let rest = RejectWire { code: code.name().into(), message: message.clone() };
            json_of(REJECT, id, Of { goal, rest })
        }
        PlanNews::Progress { key_results } => {
            let rest = ProgressWire { key_results: key_results.clone() };
            json_of(PROGRESS, id, Of { goal, rest })
        }
        PlanNews::Complete { outcome } => {
            json_of(COMPLETE, id, Of { goal, rest: CompleteWire { outcome: *outcome } })
        }
    }
}

/// What a message of this name is: `None` if it is not about goals.
pub(super) fn kind(name: &str) -> Option<MessageKind> {
    match name {
        PROPOSE => Some(MessageKind::PlanPropose),
        ACCEPT | REJECT | PROGRESS | COMPLETE => Some(MessageKind::Plan),
        _ => None,
    }
}

/// Reads a message whose name [`kind`] knows.
pub(super) fn decode(name: &str, id: Option<RequestId>, bytes: &[u8]) -> Result<Message, MessageFault> {
    let id = id.ok_or(MessageFault::Id)?;
    let OnlyGoal { goal } = parse(bytes)?;
    Ok(Message::Plan { id, goal, news: news(name, bytes)? })
}

fn news(name: &str, bytes: &[u8]) -> Result<PlanNews, MessageFault> {
    Ok(match name {
        PROPOSE => {
            let ProposeIn { offer } = parse(bytes)?;
            // A peer picks its length: it is checked before anything reads it.
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
