use coworker_policy::{AgentName, Card, GroupId, PeerId, RequestId, Tier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Called;
use super::group_members::{
    GroupDeputies, GroupLed, GroupMembers, GroupPeople, GroupRemove, GroupTakeOver, GroupTransfer,
};
use crate::error::ApiError;
use crate::operation::operations;

operations! { GroupOp {
    GroupCreate => GroupCreated,
    GroupInvite => GroupChanged,
    GroupJoin => GroupInfo,
    GroupLeave => GroupLeft,
    GroupList => GroupsInfo,
    GroupMembers => GroupPeople,
    GroupRemove => GroupChanged,
    GroupTransfer => GroupChanged,
    GroupDeputies => GroupLed,
    GroupTakeOver => GroupChanged,
    GroupSend => GroupSent,
    GroupRead => GroupConversation,
    GroupDiscover => GroupDiscovered,
    GroupCall => Called,
}}

/// Creates a group with this agent as its steward, and invites peers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupCreate {
    pub name: String,
    /// Names of peers, their ids or the starts of their ids.
    pub peers: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupCreated {
    #[serde(flatten)]
    pub info: GroupInfo,
    pub invited: Vec<PeerId>,
}

/// Invites a peer to a group. Only its steward can.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupInvite {
    /// The group's name, or at least 4 characters of its id; so in all operations on groups.
    pub group: String,
    pub peer: String,
}

/// A change of one member.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupChanged {
    pub group: GroupId,
    pub name: String,
    pub peer: PeerId,
}

/// Accepts an invitation and waits until the steward has added us.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupJoin {
    pub group: String,
    /// Seconds; more than 0, at most 86400.
    pub timeout: f64,
}

/// Leaves a group, or declines an invitation.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupLeave {
    pub group: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupLeft {
    pub group: GroupId,
    pub name: String,
    /// True if it was an invitation only.
    pub declined: bool,
}

/// Lists our groups and the invitations to groups.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupList {}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupsInfo {
    pub groups: Vec<GroupInfo>,
    pub invites: Vec<GroupInviteInfo>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupInfo {
    pub group: GroupId,
    pub name: String,
    /// Number of members, this agent included.
    pub members: usize,
    /// `None` once we were removed.
    pub steward: Option<PeerId>,
    pub steward_name: Option<AgentName>,
    pub is_steward: bool,
    /// True once we were removed: old messages can still be read, and no new ones come.
    pub ended: bool,
    pub epoch: Option<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupInviteInfo {
    pub group: GroupId,
    pub name: String,
    pub from: PeerId,
    pub from_name: Option<AgentName>,
    /// Number of members, as `from` states it.
    pub members: Option<u64>,
    /// True if the owner accepted and the steward has not added us yet.
    pub accepted: bool,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// Sends a message to a group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupSend {
    pub group: String,
    /// 1 to 4096 bytes of plain text.
    pub text: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupSent {
    pub group: GroupId,
    pub name: String,
    pub id: RequestId,
    /// The message's number in the group.
    pub seq: u64,
    /// Number of members that it goes to.
    pub to: usize,
}

/// Reads the messages of a group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupRead {
    pub group: String,
    /// Only messages after the one with this `n`.
    pub since: u64,
    /// At most so many, the newest ones.
    pub limit: usize,
    /// Seconds to wait for a message if there is none: 0 to 60.
    pub wait: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupConversation {
    pub group: GroupId,
    pub name: String,
    /// In the order that all members see.
    pub messages: Vec<GroupSaid>,
    /// `since` for the next time.
    pub next: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupSaid {
    /// Order of arrival at this agent.
    pub n: u64,
    pub from: PeerId,
    pub from_name: Option<AgentName>,
    pub seq: u64,
    pub id: String,
    /// The author's text, unchanged: escape it before you show it.
    pub text: String,
    /// Time of arrival, or of sending if it is ours; milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// Asks every member of a group for the skills that it shows us.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupDiscover {
    pub group: String,
    /// Seconds for each member; more than 0, at most 86400.
    pub timeout: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupDiscovered {
    pub group: GroupId,
    pub name: String,
    pub members: Vec<MemberCards>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MemberCards {
    pub peer: PeerId,
    pub name: Option<AgentName>,
    /// The tier that we give the member.
    pub tier: Tier,
    pub skills: Vec<Card>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}

/// Calls a skill of one member over our own session with it: the other members see neither input nor output.
///
/// Can be cancelled. Updates: `progress` and `partial`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupCall {
    pub group: String,
    pub member: String,
    pub skill: String,
    /// JSON text, at most 2 MiB.
    pub input: String,
    /// Seconds; more than 0, at most 86400.
    pub timeout: f64,
}
