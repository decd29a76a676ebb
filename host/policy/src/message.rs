use crate::tier::Tier;

/// The kinds of message of the `CoWorker` protocol that this host speaks, with the tier that
/// may send each.
///
/// Answers need no tier: they are matched to the question that they answer, and dropped if there is none.
/// Nor does what members of a group tell each other: the group decides who is one, and never raises a tier.
/// A `task_request` needs no tier either: which skills a caller may reach is the listing's decision, and a
/// refusal here would differ from "no such skill". A `task_cancel` reaches nothing but its sender's own calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    Ping,
    Pong,
    Discover,
    Capabilities,
    TaskRequest,
    TaskResponse,
    TaskError,
    TaskProgress,
    TaskPartial,
    TaskCancel,
    TrustRequest,
    TrustGrant,
    TrustDeny,
    TrustRedeem,
    TaskReceipt,
    TaskCountersigned,
    /// How the sender is reached directly: told to whom it accepts, kept from whom we accept.
    DirectCard,
    /// Asks us to join a group.
    GroupInvite,
    /// Everything else about a group, or said in one.
    Group,
    /// Asks us to take part in a goal.
    PlanPropose,
    /// Everything else about a goal: matched to one of that very peer, or dropped.
    Plan,
    Error,
    /// Anything else: a newer peer's, or nonsense. Denied by default.
    Unknown,
}

impl MessageKind {
    /// True for what asks for an answer; false for answers, for what is only told, and for what cannot be
    /// read at all.
    pub const fn is_question(self) -> bool {
        matches!(
            self,
            Self::Ping
                | Self::Discover
                | Self::TaskRequest
                | Self::TrustRequest
                | Self::TrustRedeem
                | Self::GroupInvite
                | Self::PlanPropose
        )
    }

    /// The lowest tier whose messages of this kind are acted on.
    pub const fn from_tier(self) -> Tier {
        match self {
            Self::Unknown => Tier::Privileged,
            Self::GroupInvite | Self::PlanPropose => Tier::Known,
            _ => Tier::Untrusted,
        }
    }
}
