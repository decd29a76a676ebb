//! The faults that count against a peer, as a caller and as a provider.

use std::fmt;

use crate::code::ErrorCode;
use crate::message::MessageKind;
use crate::refusal::Refusal;
use crate::tier::Tier;

/// A fault of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misdeed {
    Malformed,
    Refused,
    OverQuota,
}

impl Misdeed {
    pub(super) const ALL: [Self; 3] = [Self::Malformed, Self::Refused, Self::OverQuota];

    /// The fault in a refused call of a peer whose own tier is `own` and whose call was judged at tier `judged`.
    ///
    /// A delegated call can be judged at a lower tier. That the first caller may not use a skill is no fault of the
    /// peer that delegates, and neither is a skill that is hidden or unknown: all three look the same to the peer.
    pub fn of_call(refusal: &Refusal, own: Tier, judged: Tier) -> Option<Self> {
        Self::of(refusal).filter(|misdeed| judged >= own || *misdeed != Self::Refused)
    }

    /// The fault in a refused message. A message of an unknown kind is none: a newer version may send it.
    pub fn of_message(refusal: &Refusal, kind: MessageKind) -> Option<Self> {
        Self::of(refusal).filter(|_| kind != MessageKind::Unknown)
    }

    /// `None` if the skill or the owner caused the refusal.
    ///
    /// Hidden, too-low and unknown skills count alike, so that the caller's trust reveals nothing about them.
    fn of(refusal: &Refusal) -> Option<Self> {
        match refusal {
            Refusal::MessageTierTooLow { .. }
            | Refusal::NoSuchSkill
            | Refusal::Hidden(_)
            | Refusal::SkillTierTooLow { .. } => Some(Self::Refused),
            Refusal::TooManyPending { .. }
            | Refusal::TooManyCalls { .. }
            | Refusal::TooManyCallsOfSkill { .. } => Some(Self::OverQuota),
            Refusal::InputTooLarge { .. } | Refusal::InputMismatch(_) => Some(Self::Malformed),
            Refusal::OutputTooLarge { .. }
            | Refusal::OutputNotJson(_)
            | Refusal::OutputMismatch(_)
            | Refusal::Withheld(_)
            | Refusal::TooMuchOutput { .. }
            | Refusal::WrongVersion { .. }
            // A peer that passes a call on does not see the whole path of the call.
            | Refusal::PassedOnTooOften { .. }
            | Refusal::CallCycle(_)
            | Refusal::Expired
            | Refusal::Revoked => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Refused => "refused",
            Self::OverQuota => "over_quota",
        }
    }
}

/// Whether an answer with this error is certainly the provider's fault.
///
/// The other errors can be ours: a bad input, too many calls, too short a timeout. A peer that cannot be reached may
/// only have closed its laptop.
pub const fn is_provider_fault(code: ErrorCode) -> bool {
    match code {
        ErrorCode::SkillFailed | ErrorCode::InvalidOutput | ErrorCode::Internal => true,
        ErrorCode::UnknownSkill
        | ErrorCode::VersionMismatch
        | ErrorCode::InvalidInput
        | ErrorCode::LimitExceeded
        | ErrorCode::Deadline
        | ErrorCode::Expired
        | ErrorCode::Cancelled
        | ErrorCode::Withheld
        | ErrorCode::TrustTierTooLow
        | ErrorCode::PeerUnreachable
        | ErrorCode::NotConnected
        | ErrorCode::BadInvite
        | ErrorCode::BadComponent
        | ErrorCode::InUse
        | ErrorCode::Usage => false,
    }
}

impl fmt::Display for Misdeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed",
            Self::Refused => "refused",
            Self::OverQuota => "over its quota",
        })
    }
}
