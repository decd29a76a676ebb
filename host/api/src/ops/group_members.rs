use coworker_policy::{AgentName, GroupId, PeerId, Tier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lists the members of a group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupMembers {
    pub group: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupPeople {
    pub group: GroupId,
    pub name: String,
    pub members: Vec<GroupMemberInfo>,
    /// Peers that we invited and that have not answered.
    pub invited: Vec<PeerId>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupMemberInfo {
    pub peer: PeerId,
    pub name: Option<AgentName>,
    /// The tier that we give the member. Membership does not change it.
    pub tier: Tier,
    /// True for this agent itself.
    pub us: bool,
    pub steward: bool,
    /// Rank among the deputies, who can take over from the steward: 1 is first.
    pub deputy: Option<usize>,
    pub connected: bool,
    /// Messages that wait for the member or for its acknowledgement.
    pub waiting: usize,
}

/// Removes a member, or takes an invitation back. The member cannot read later messages.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupRemove {
    pub group: String,
    pub peer: String,
}

/// Makes another member the steward.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupTransfer {
    pub group: String,
    pub peer: String,
}

/// Shows or names the deputies: members that can take over from the steward.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupDeputies {
    pub group: String,
    /// The new deputies in order of rank; they replace the old ones. `None` changes nothing.
    pub set: Option<Vec<String>>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupLed {
    pub group: GroupId,
    pub name: String,
    pub steward: PeerId,
    /// In order of rank.
    pub deputies: Vec<PeerId>,
}

/// Makes this agent the steward. Only a deputy can, for a steward that is gone for good.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupTakeOver {
    pub group: String,
}
