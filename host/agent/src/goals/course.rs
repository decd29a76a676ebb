use coworker_plan::{Checked, Plan, VisibleSkills};
use coworker_policy::RequestId;
use coworker_store::Goal;
use serde_json::Value;

use crate::base::error::OpError;

/// The parts of a goal that do not change: its plan, checked against the skills that were visible when it was made.
pub(crate) struct Course {
    pub(crate) id: RequestId,
    pub(crate) checked: Checked,
    /// The input that came with the goal.
    pub(crate) input: Value,
}

impl Course {
    /// Reads the kept rows.
    pub(crate) fn of(goal: &Goal) -> Result<Self, OpError> {
        let fault = |error: serde_json::Error| OpError::fault(&error);
        let plan: Plan = serde_json::from_str(&goal.plan).map_err(fault)?;
        let shown: VisibleSkills = serde_json::from_str(&goal.shown).map_err(fault)?;
        let input = serde_json::from_str(&goal.input).map_err(fault)?;
        let checked = plan.check(&input, &shown).map_err(|error| OpError::fault(&error))?;
        Ok(Self { id: goal.id, checked, input })
    }
}
