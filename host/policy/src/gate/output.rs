use std::sync::Arc;

use serde_json::Value;

use crate::refusal::Refusal;
use crate::skill::Skill;

/// What the result of one permitted call is held to.
#[derive(Clone, Debug)]
pub struct OutputTerms {
    skill: Arc<Skill>,
    max: usize,
}

/// A result that may leave: JSON, of the promised shape, within the caller's cap.
#[derive(Debug)]
pub struct CheckedOutput(Value);

impl OutputTerms {
    pub(super) fn new(skill: Arc<Skill>, max: usize) -> Self {
        Self { skill, max }
    }

    /// Decides by what the guest returned.
    pub fn check(&self, output: &str) -> Result<CheckedOutput, Refusal> {
        // G11: the size.
        if output.len() > self.max {
            return Err(Refusal::OutputTooLarge { size: output.len(), max: self.max });
        }
        // G12: JSON.
        let value: Value =
            serde_json::from_str(output).map_err(|error| Refusal::OutputNotJson(error.to_string()))?;
        // G13: the schema on the card.
        self.skill.output.check(&value).map_err(Refusal::OutputMismatch)?;
        Ok(CheckedOutput(value))
    }
}

impl CheckedOutput {
    pub fn value(&self) -> &Value {
        &self.0
    }
}
