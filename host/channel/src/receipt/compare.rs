use coworker_policy::{Digest, PeerId, RequestId};
use semver::Version;

use super::{CallRecord, Content, Outcome};

/// Largest accepted difference between two agents' clocks, in milliseconds.
pub const MAX_CLOCK_DIFFERENCE_MS: u64 = 10 * 60 * 1000;

/// The facts of a call that the caller knows independently. `None` means unknown.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    pub id: RequestId,
    pub provider: PeerId,
    pub skill: &'a str,
    pub version: Option<&'a Version>,
    pub card: Option<Digest>,
    pub input: Content,
    pub outcome: Outcome,
    /// The times of the request and of the answer, in milliseconds since the Unix epoch.
    pub asked_ms: u64,
    pub answered_ms: u64,
}

/// The field in which the provider's record differs from the facts that the caller knows. The caller does not sign
/// such a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    #[error("the receipt is for another request")]
    Id,
    #[error("the receipt names another caller")]
    Caller,
    #[error("the receipt names another provider")]
    Provider,
    #[error("the receipt names another skill")]
    Skill,
    #[error("the receipt names another version of the skill")]
    Version,
    #[error("the receipt names another card of the skill")]
    Card,
    #[error("the receipt is for another input")]
    Input,
    #[error("the receipt names another outcome")]
    Outcome,
    #[error("the receipt names a time at which the call cannot have run")]
    Time,
}

impl Known<'_> {
    pub(super) fn compare(&self, record: &CallRecord, caller: PeerId) -> Result<(), Mismatch> {
        let same = [
            (record.id == self.id, Mismatch::Id),
            (record.caller == caller, Mismatch::Caller),
            (record.provider == self.provider, Mismatch::Provider),
            (record.skill.as_str() == self.skill, Mismatch::Skill),
            (self.version.is_none_or(|version| *version == record.version), Mismatch::Version),
            (self.card.is_none_or(|card| card == record.card), Mismatch::Card),
            (record.input == self.input, Mismatch::Input),
            (record.outcome == self.outcome, Mismatch::Outcome),
            (self.can_have_run(record), Mismatch::Time),
        ];
        same.into_iter().find(|(same, _)| !same).map_or(Ok(()), |(_, mismatch)| Err(mismatch))
    }

    /// Checks that the call ran between request and answer, allowing for the clock difference.
    fn can_have_run(&self, record: &CallRecord) -> bool {
        let begins = self.asked_ms.saturating_sub(MAX_CLOCK_DIFFERENCE_MS);
        let ends = self.answered_ms.saturating_add(MAX_CLOCK_DIFFERENCE_MS);
        begins <= record.started_ms && record.started_ms.saturating_add(record.duration_ms) <= ends
    }
}
