use coworker_policy::{RequestId, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::ops::GoalUpdate;

/// News of a running operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Update {
    /// Progress of a call. Some reports may be left out.
    Progress {
        id: RequestId,
        /// 0 to 100.
        percent: u8,
        note: Text,
    },
    /// A part of a call's output, ahead of the answer, which is always whole.
    Partial {
        id: RequestId,
        /// Counts from 0. A gap means that parts were lost; a smaller index than before, that the call began anew.
        index: u64,
        /// The skill's text, unchanged: escape it before you show it.
        part: String,
    },
    /// A change of one of the agent's own goals.
    Goal(Box<GoalUpdate>),
    /// An event that a follower asked for.
    Event(Box<Event>),
}
