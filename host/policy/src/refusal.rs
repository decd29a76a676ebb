use std::time::Duration;

use coworker_leak::{Leak, OverDay};
use semver::Version;
use serde::Serialize;

use crate::code::ErrorCode;
use crate::name::SkillName;
use crate::tier::Tier;
use crate::version::VersionPin;

/// A refusal by policy: expected, precise, and for the owner's audit log only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a message of this kind needs {needs}, the sender is {tier}")]
    MessageTierTooLow { tier: Tier, needs: Tier },
    #[error("the caller already has {limit} calls waiting")]
    TooManyPending { limit: usize },
    #[error("the caller began {limit} calls within a minute; try again in {} s", seconds(.wait))]
    TooManyCalls { limit: u64, wait: Duration },
    #[error("the caller began {limit} calls of skill `{skill}` within a minute; it may again in {} s", seconds(.wait))]
    TooManyCallsOfSkill { skill: SkillName, limit: u64, wait: Duration },
    #[error("no such skill")]
    NoSuchSkill,
    #[error("skill `{0}` is hidden")]
    Hidden(SkillName),
    #[error("skill `{skill}` needs {from}, the caller is {tier}")]
    SkillTierTooLow { skill: SkillName, from: Tier, tier: Tier },
    #[error("skill `{skill}` has version {has}, not {wants}")]
    WrongVersion { skill: SkillName, has: Version, wants: VersionPin },
    #[error("the call was passed on {depth} times; at most {max} are served")]
    PassedOnTooOften { depth: u8, max: u8 },
    #[error("skill `{0}` already runs for the same first call")]
    CallCycle(SkillName),
    #[error("the request expired before it began")]
    Expired,
    #[error("the input has {size} bytes; a caller of this tier may send {max}")]
    InputTooLarge { size: usize, max: usize },
    #[error("the input does not fit the schema: {0}")]
    InputMismatch(String),
    #[error("the result has {size} bytes; a caller of this tier may receive {max}")]
    OutputTooLarge { size: usize, max: usize },
    #[error("the result is not JSON: {0}")]
    OutputNotJson(String),
    #[error("the result does not fit the skill's own schema: {0}")]
    OutputMismatch(String),
    #[error("withheld: {0}")]
    Withheld(Leak),
    #[error(
        "the caller may receive {max} bytes of output of this component's skills a day (output_mib_per_day)"
    )]
    TooMuchOutput { max: u64 },
    #[error("trust in the caller or the skill's listing was revoked while it ran")]
    Revoked,
}

/// The part of a refusal that the caller learns. Only `Refusal::public` makes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicRefusal {
    code: ErrorCode,
    message: String,
}

impl Refusal {
    /// Hidden, too-low, revoked and unknown skills give one answer: the caller must not learn which it was.
    pub fn public(&self) -> PublicRefusal {
        let (code, message) = match self {
            Self::MessageTierTooLow { .. } => {
                (ErrorCode::TrustTierTooLow, "messages of this kind need more trust".to_owned())
            }
            Self::NoSuchSkill | Self::Hidden(_) | Self::SkillTierTooLow { .. } | Self::Revoked => {
                (ErrorCode::UnknownSkill, "unknown skill".to_owned())
            }
            Self::TooManyPending { .. } | Self::InputTooLarge { .. } => {
                (ErrorCode::LimitExceeded, self.to_string())
            }
            // The caller passed the listing, so it knows the skill. The message is the same in both cases.
            Self::TooManyCalls { limit, wait } | Self::TooManyCallsOfSkill { limit, wait, .. } => {
                let message = Self::TooManyCalls { limit: *limit, wait: *wait }.to_string();
                (ErrorCode::LimitExceeded, message)
            }
            Self::WrongVersion { .. } => (ErrorCode::VersionMismatch, self.to_string()),
            Self::PassedOnTooOften { .. } => {
                (ErrorCode::LimitExceeded, "the call was passed on too often".to_owned())
            }
            Self::CallCycle(_) => {
                (ErrorCode::LimitExceeded, "the call has come back to where it was".to_owned())
            }
            Self::Expired => (ErrorCode::Expired, self.to_string()),
            Self::InputMismatch(_) => (ErrorCode::InvalidInput, self.to_string()),
            // The size of the result is private to the skill; the caller can use the limit.
            Self::OutputTooLarge { max, .. } => {
                let message =
                    format!("the result is larger than the {max} bytes that this caller may receive");
                (ErrorCode::LimitExceeded, message)
            }
            // One sentence for every leak: a caller must not learn how close a guess came.
            Self::Withheld(_) => (ErrorCode::Withheld, "the answer was withheld".to_owned()),
            Self::TooMuchOutput { max } => {
                let message = format!("this caller may receive {max} bytes of output a day");
                (ErrorCode::LimitExceeded, message)
            }
            Self::OutputNotJson(_) | Self::OutputMismatch(_) => {
                (ErrorCode::InvalidOutput, "the skill's result does not fit its own schema".to_owned())
            }
        };
        PublicRefusal { code, message }
    }
}

/// Whole seconds, rounded up.
fn seconds(wait: &Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl PublicRefusal {
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<Leak> for Refusal {
    fn from(leak: Leak) -> Self {
        Self::Withheld(leak)
    }
}

impl From<OverDay> for Refusal {
    fn from(OverDay { max }: OverDay) -> Self {
        Self::TooMuchOutput { max }
    }
}
