//! How goals and steps stand, in one word each.

use coworker_store::{GoalShareState, GoalState, PartyState, StepState};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GoalPhase {
    /// Another agent's: it waits for the owner's word.
    Asked,
    /// Another agent's: we take part.
    Accepted,
    /// Another agent's: the owner said no.
    Denied,
    /// Ours: not all have answered.
    Proposed,
    Running,
    Done,
    Failed,
    Cancelled,
    /// Another agent's: it never said how it ended.
    Expired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepPhase {
    Waiting,
    Running,
    Done,
    Failed,
    /// It needed a step that did not end well.
    Skipped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerAnswer {
    Awaited,
    Accepted,
    Rejected,
}

impl GoalPhase {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Accepted => "accepted",
            Self::Denied => "denied",
            Self::Proposed => "proposed",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    pub const fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Accepted | Self::Proposed | Self::Running)
    }
}

impl StepPhase {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl From<GoalState> for GoalPhase {
    fn from(state: GoalState) -> Self {
        match state {
            GoalState::Proposed => Self::Proposed,
            GoalState::Running => Self::Running,
            GoalState::Done => Self::Done,
            GoalState::Failed => Self::Failed,
            GoalState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<GoalShareState> for GoalPhase {
    fn from(state: GoalShareState) -> Self {
        match state {
            GoalShareState::Asked => Self::Asked,
            GoalShareState::Accepted => Self::Accepted,
            GoalShareState::Denied => Self::Denied,
            GoalShareState::Done => Self::Done,
            GoalShareState::Failed => Self::Failed,
            GoalShareState::Cancelled => Self::Cancelled,
            GoalShareState::Expired => Self::Expired,
        }
    }
}

impl From<StepState> for StepPhase {
    fn from(state: StepState) -> Self {
        match state {
            StepState::Waiting => Self::Waiting,
            StepState::Running => Self::Running,
            StepState::Done => Self::Done,
            StepState::Failed => Self::Failed,
            StepState::Skipped => Self::Skipped,
        }
    }
}

impl From<PartyState> for PeerAnswer {
    fn from(state: PartyState) -> Self {
        match state {
            PartyState::Asked => Self::Awaited,
            PartyState::Accepted | PartyState::Parted => Self::Accepted,
            PartyState::Rejected => Self::Rejected,
        }
    }
}
