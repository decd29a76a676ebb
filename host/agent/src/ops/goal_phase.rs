//! Stored states as the API shows them.

use coworker_api::ops::{GoalPhase, PeerAnswer, StepPhase};
use coworker_store::{GoalShareState, GoalState, PartyState, StepState};

pub(super) fn goal_phase(state: GoalState) -> GoalPhase {
    match state {
        GoalState::Proposed => GoalPhase::Proposed,
        GoalState::Running => GoalPhase::Running,
        GoalState::Done => GoalPhase::Done,
        GoalState::Failed => GoalPhase::Failed,
        GoalState::Cancelled => GoalPhase::Cancelled,
    }
}

pub(super) fn share_phase(state: GoalShareState) -> GoalPhase {
    match state {
        GoalShareState::Asked => GoalPhase::Asked,
        GoalShareState::Accepted => GoalPhase::Accepted,
        GoalShareState::Denied => GoalPhase::Denied,
        GoalShareState::Done => GoalPhase::Done,
        GoalShareState::Failed => GoalPhase::Failed,
        GoalShareState::Cancelled => GoalPhase::Cancelled,
        GoalShareState::Expired => GoalPhase::Expired,
    }
}

pub(super) fn step_phase(state: StepState) -> StepPhase {
    match state {
        StepState::Waiting => StepPhase::Waiting,
        StepState::Running => StepPhase::Running,
        StepState::Done => StepPhase::Done,
        StepState::Failed => StepPhase::Failed,
        StepState::Skipped => StepPhase::Skipped,
    }
}

pub(super) fn peer_answer(state: PartyState) -> PeerAnswer {
    match state {
        PartyState::Asked => PeerAnswer::Awaited,
        PartyState::Accepted | PartyState::Parted => PeerAnswer::Accepted,
        PartyState::Rejected => PeerAnswer::Rejected,
    }
}
