use coworker_api::ops::{GroupChanged, GroupCreate, GroupCreated, GroupInvite};
use coworker_channel::GroupName;
use coworker_policy::ErrorCode;

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

impl Run for GroupCreate {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GroupCreated, OpError> {
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
                let row = groups.tx.store.group(id)?;
                let row = row.ok_or(crate::state::StateError::NoGroup)?;
                Ok(Ok(GroupCreated { info: groups.info(&row)?, invited: peers }))
            })
            .await
    }
}

impl Run for GroupInvite {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GroupChanged, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        agent
            .groups
            .in_transaction(move |groups| {
                let row = match groups.find_going(&self.group)? {
                    Ok(row) => row,
                    Err(error) => return Ok(Err(error)),
                };
                let group = row.id;
                let invited = groups.invite(group, peer)?;
                Ok(invited.map(|()| GroupChanged { group, name: row.name, peer }))
            })
            .await
    }
}
