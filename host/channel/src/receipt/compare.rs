use coworker_policy::{Digest, PeerId, RequestId};
use semver::Version;

use super::{CallRecord, Content, Outcome};

/// How far two agents' clocks may be apart before a receipt's time is not believed, in milliseconds.
pub const MAX_CLOCK_DIFFERENCE_MS: u64 = 10 * 60 * 1000;

/// What the caller knows of its call by itself. What is `None` it does not know.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    pub id: RequestId,
    pub provider: PeerId,
    pub skill: &'a str,
    pub version: Option<&'a Version>,
    pub card: Option<Digest>,
    pub input: Content,
    pub outcome: Outcome,
    /// When the request was made and when the answer came, in milliseconds since the Unix epoch.
    pub asked_ms: u64,
    pub answered_ms: u64,
}

/// Where the provider's record differs from what the caller knows: it does not sign that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    #[error("the receipt is of another request")]
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
    #[error("the receipt is of another input")]
    Input,
    #[error("the receipt tells another outcome")]
    Outcome,
    #[error("the receipt tells of a time in which the call cannot have run")]
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

    /// Between question and answer, give or take the clocks.
    fn can_have_run(&self, record: &CallRecord) -> bool {
        let begins = self.asked_ms.saturating_sub(MAX_CLOCK_DIFFERENCE_MS);
        let ends = self.answered_ms.saturating_add(MAX_CLOCK_DIFFERENCE_MS);
        begins <= record.started_ms && record.started_ms.saturating_add(record.duration_ms) <= ends
    }
}
