use coworker_policy::{AgentName, PeerId, Text, Tier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Ends;
use crate::operation::operations;

operations! { InviteOp {
    Invitation => Invited,
    InviteList => Vec<InviteInfo>,
    InviteRevoke => InviteRevoked,
}}

/// Makes the code that others connect with.
///
/// Without a grant the code is always the same and can be shared with anybody. With a grant it holds a secret.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Invitation {
    /// Puts this agent's addresses into the code, for networks where it cannot be found otherwise.
    pub with_addresses: bool,
    /// Trust that a peer gets when it connects with the code.
    pub grant: Option<Grant>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// `known` or higher.
    pub tier: Tier,
    /// Number of peers that may use the code, once each.
    pub uses: u64,
    /// Lifetime of the code, in milliseconds; more than 0.
    pub expires_ms: u64,
    /// End of the tier for a peer that got it.
    pub ends: Ends,
    /// For the owner's own record; may be empty.
    pub note: Text,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Invited {
    pub code: String,
    pub name: AgentName,
    pub id: PeerId,
    pub relay: Option<String>,
    pub addresses: Vec<String>,
    /// The grant of the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<InviteInfo>,
}

/// Lists the invites that grant a tier, newest first. Ended ones are kept for a week.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct InviteList {}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct InviteInfo {
    /// Reveals nothing about the secret in the code.
    pub id: String,
    pub state: InviteState,
    pub tier: Tier,
    pub uses_left: u64,
    /// End of the invite, in milliseconds since the Unix epoch.
    pub expires_ms: i64,
    /// End of the tier for a peer that got it.
    pub ends: Ends,
    /// The owner's note.
    pub note: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InviteState {
    Open,
    UsedUp,
    Expired,
    Revoked,
}

/// Revokes an invite. Trust that was granted with it stays.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct InviteRevoke {
    /// The invite's id, or at least 4 characters of it.
    pub id: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct InviteRevoked {
    pub id: String,
}
