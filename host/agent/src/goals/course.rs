use coworker_plan::{Checked, Plan, VisibleSkills};
use coworker_policy::RequestId;
use coworker_store::Goal;
use serde_json::Value;

use crate::base::error::OpError;

/// What does not change while a goal is carried on: its plan, checked with what was shown when it was made.
pub(crate) struct Course {
    pub(crate) id: RequestId,
    pub(crate) checked: Checked,
    /// What came with the goal.
    pub(crate) input: Value,
}

impl Course {
    /// As it was kept.
    pub(crate) fn of(goal: &Goal) -> Result<Self, OpError> {
        let fault = |error: serde_json::Error| OpError::fault(&error);
        let plan: Plan = serde_json::from_str(&goal.plan).map_err(fault)?;
        let shown: VisibleSkills = serde_json::from_str(&goal.shown).map_err(fault)?;
        let input = serde_json::from_str(&goal.input).map_err(fault)?;
        let checked = plan.check(&input, &shown).map_err(|error| OpError::fault(&error))?;
        let id = goal.id.parse().map_err(|error| OpError::fault(&error))?;
        Ok(Self { id, checked, input })
    }
}
