use std::fmt;

use serde::{Deserialize, Serialize};

/// Error codes, the same on the command line, the wire and every bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    UnknownSkill,
    VersionMismatch,
    InvalidInput,
    InvalidOutput,
    SkillFailed,
    LimitExceeded,
    Deadline,
    Expired,
    Cancelled,
    Withheld,
    TrustTierTooLow,
    PeerUnreachable,
    NotConnected,
    BadInvite,
    BadComponent,
    InUse,
    Usage,
    Internal,
}

impl ErrorCode {
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownSkill => "UNKNOWN_SKILL",
            Self::VersionMismatch => "VERSION_MISMATCH",
            Self::InvalidInput => "INVALID_INPUT",
            Self::InvalidOutput => "INVALID_OUTPUT",
            Self::SkillFailed => "SKILL_FAILED",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::Deadline => "DEADLINE",
            Self::Expired => "EXPIRED",
            Self::Cancelled => "CANCELLED",
            Self::Withheld => "WITHHELD",
            Self::TrustTierTooLow => "TRUST_TIER_TOO_LOW",
            Self::PeerUnreachable => "PEER_UNREACHABLE",
            Self::NotConnected => "NOT_CONNECTED",
            Self::BadInvite => "BAD_INVITE",
            Self::BadComponent => "BAD_COMPONENT",
            Self::InUse => "IN_USE",
            Self::Usage => "USAGE",
            Self::Internal => "INTERNAL",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
