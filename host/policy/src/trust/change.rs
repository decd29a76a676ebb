use std::fmt;
use std::str::FromStr;

use super::Misdeed;
use crate::tier::Tier;

/// A change of a tier, for the owner's trust log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierChange {
    pub from: Tier,
    pub to: Tier,
    pub reason: Reason,
}

impl TierChange {
    /// `None` if the tiers are equal.
    pub fn between(from: Tier, to: Tier, reason: Reason) -> Option<Self> {
        (from != to).then_some(Self { from, to, reason })
    }

    /// Whether running calls of the peer must be stopped. The last call of a lease continues, because the lease covers
    /// it.
    pub fn stops_running(&self) -> bool {
        self.to < self.from && self.reason != Reason::LeaseCalls
    }
}

/// The reason for a change of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The owner decided.
    Owner,
    /// The owner accepted the peer's request.
    Accepted,
    /// The peer presented an invite of the owner.
    Invite,
    LeaseTime,
    LeaseCalls,
    LeaseGoal,
    /// A goal completed.
    Goal,
    ProviderRow,
    ProviderAll,
    /// With the last misdeed.
    CallerRow(Misdeed),
    CallerAll(Misdeed),
}

impl Reason {
    const PLAIN: [(Self, &'static str); 9] = [
        (Self::Owner, "owner"),
        (Self::Accepted, "accepted"),
        (Self::Invite, "invite"),
        (Self::LeaseTime, "lease_time"),
        (Self::LeaseCalls, "lease_calls"),
        (Self::LeaseGoal, "lease_goal"),
        (Self::Goal, "goal"),
        (Self::ProviderRow, "provider_row"),
        (Self::ProviderAll, "provider_all"),
    ];

    /// Whether the peer's own conduct is the reason.
    pub(super) fn is_conduct(self) -> bool {
        matches!(self, Self::ProviderRow | Self::ProviderAll | Self::CallerRow(_) | Self::CallerAll(_))
    }

    /// The name in the database and in `--json`: `lease_time`, `caller_row:malformed`.
    pub fn name(self) -> String {
        match self {
            Self::CallerRow(misdeed) => format!("caller_row:{}", misdeed.name()),
            Self::CallerAll(misdeed) => format!("caller_all:{}", misdeed.name()),
            plain => {
                Self::PLAIN.iter().find(|(known, _)| *known == plain).map_or("", |(_, name)| name).to_owned()
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not a reason for a change of trust")]
pub struct UnknownReason;

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(name: &str) -> Result<Self, UnknownReason> {
        let plain = Self::PLAIN.iter().find(|(_, known)| *known == name).map(|(reason, _)| *reason);
        let of = |prefix, make: fn(Misdeed) -> Self| {
            let misdeed = name.strip_prefix(prefix)?;
            Misdeed::ALL.into_iter().find(|known| known.name() == misdeed).map(make)
        };
        plain
            .or_else(|| of("caller_row:", Self::CallerRow))
            .or_else(|| of("caller_all:", Self::CallerAll))
            .ok_or(UnknownReason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner => f.write_str("the owner decided"),
            Self::Accepted => f.write_str("the owner accepted its request"),
            Self::Invite => f.write_str("it brought an invite"),
            Self::LeaseTime => f.write_str("the lease's time is over"),
            Self::LeaseCalls => f.write_str("the lease's calls are used up"),
            Self::LeaseGoal => f.write_str("the goal that the lease was for is done"),
            Self::Goal => f.write_str("a goal is done"),
            Self::ProviderRow => write!(f, "{} of our calls failed there in a row", super::FAULTS_IN_ROW),
            Self::ProviderAll => write!(f, "{} of our calls failed there in all", super::FAULTS_IN_ALL),
            Self::CallerRow(last) => {
                write!(f, "{} of its requests in a row were bad, the last one {last}", super::FAULTS_IN_ROW)
            }
            Self::CallerAll(last) => {
                write!(f, "{} of its requests in all were bad, the last one {last}", super::FAULTS_IN_ALL)
            }
        }
    }
}
