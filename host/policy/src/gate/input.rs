use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::call::Caller;
use super::listing::ListedCall;
use super::version::PinnedCall;
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::skill::Skill;
use crate::tier::Tier;

/// A call whose input fits the skill's contract.
#[derive(Debug)]
pub struct CheckedCall {
    pub(super) caller: Caller,
    pub(super) tier: Tier,
    pub(super) limits: Limits,
    pub(super) skill: Arc<Skill>,
    pub(super) input: String,
    pub(super) timeout: Option<Duration>,
}

impl CheckedCall {
    /// The name of the skill that will run.
    pub fn skill(&self) -> &str {
        self.skill.card.name.as_str()
    }
}

/// Decides by the input that the caller sent.
pub fn input(call: PinnedCall) -> Result<CheckedCall, Refusal> {
    let PinnedCall(ListedCall { call, tier, limits, skill }) = call;
    let (size, max) = (call.input.len(), limits.input_bytes);
    // G06: the size, before memory is allocated for the parsed value.
    if size > max {
        return Err(Refusal::InputTooLarge { size, max });
    }
    // G07: JSON (serde_json stops at a depth of 128).
    let value: Value = serde_json::from_str(&call.input)
        .map_err(|error| Refusal::InputMismatch(format!("not JSON: {error}")))?;
    // G08: the schema on the card.
    skill.input.check(&value).map_err(Refusal::InputMismatch)?;
    Ok(CheckedCall { caller: call.caller, tier, limits, skill, input: call.input, timeout: call.timeout })
}
