use coworker_channel::GroupName;
use coworker_policy::{ErrorCode, GroupId, PeerId};
use serde::{Deserialize, Serialize};

use super::Operation;
use super::group_list::GroupInfo;
use crate::agent::Agent;
use crate::base::error::OpError;

/// Makes a group with us as its steward, and asks peers in.
#[derive(Debug, Serialize, Deserialize)]
pub struct GroupCreate {
    pub name: String,
    pub peers: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct GroupCreated {
    #[serde(flatten)]
    pub info: GroupInfo,
    pub invited: Vec<PeerId>,
}

/// Asks a peer into a group of which we are the steward.
#[derive(Debug, Serialize, Deserialize)]
pub struct GroupInvite {
    pub group: String,
    pub peer: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct GroupChanged {
    pub group: GroupId,
    pub name: String,
    pub peer: PeerId,
}

impl Operation for GroupCreate {
    type Answer = GroupCreated;

    async fn run(self, agent: &Agent) -> Result<GroupCreated, OpError> {
        let name: GroupName = self.name.parse().map_err(|error| {
            let fault = OpError::fault(&error);
            OpError { code: ErrorCode::Usage, ..fault }
        })?;
        let mut peers = Vec::new();
        for peer in &self.peers {
            peers.push(agent.find_peer(peer).await?);
        }
        peers.sort_unstable();
        peers.dedup();
        agent
            .groups
            .in_transaction(move |groups| {
                let id = match groups.create(name)? {
                    Ok(id) => id,
                    Err(error) => return Ok(Err(error)),
                };
                for peer in &peers {
                    if let Err(error) = groups.invite(id, *peer)? {
                        return Ok(Err(error));
                    }
                }
                let row = groups.tx.store.group(id.as_bytes())?;
                let row = row.ok_or(crate::state::StateError::NoGroup)?;
                Ok(Ok(GroupCreated { info: groups.info(&row)?, invited: peers }))
            })
            .await
    }
}

impl Operation for GroupInvite {
    type Answer = GroupChanged;

    async fn run(self, agent: &Agent) -> Result<GroupChanged, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        agent
            .groups
            .in_transaction(move |groups| {
                let row = match groups.find_going(&self.group)? {
                    Ok(row) => row,
                    Err(error) => return Ok(Err(error)),
                };
                let group = GroupId::from_bytes(row.id);
                let invited = groups.invite(group, peer)?;
                Ok(invited.map(|()| GroupChanged { group, name: row.name, peer }))
            })
            .await
    }
}
