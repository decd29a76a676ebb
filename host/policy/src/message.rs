use crate::tier::Tier;

/// The kinds of message that this host handles, with the tier that may send each.
///
/// Answers need no tier: they are matched to a request and dropped without one. Messages between the members of a
/// group need none, because the group decides on its members and never raises a tier. A `task_request` needs none,
/// because the listing decides which skills a caller may reach, and a refusal here would differ from "no such skill".
/// A `task_cancel` reaches only its sender's own calls.
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
    /// The sender's direct addresses. Sent to accepted peers, and kept from accepted peers only.
    DirectCard,
    /// An invitation to a group.
    GroupInvite,
    /// Any other message about a group, or inside one.
    Group,
    /// A request to take part in a goal.
    PlanPropose,
    /// Any other message about a goal. Matched to a goal of the sender, or dropped.
    Plan,
    Error,
    /// Any other kind, from a newer version or malformed. Denied by default.
    Unknown,
}

impl MessageKind {
    /// Whether the message asks for an answer. Answers, notifications and unreadable messages do not.
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

    /// The lowest tier whose messages of this kind are handled.
    pub const fn from_tier(self) -> Tier {
        match self {
            Self::Unknown => Tier::Privileged,
            Self::GroupInvite | Self::PlanPropose => Tier::Known,
            _ => Tier::Untrusted,
        }
    }
}
