use coworker_api::ops::{GroupChanged, GroupDeputies, GroupLed, GroupTakeOver};
use coworker_policy::ErrorCode;

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

impl Run for GroupDeputies {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GroupLed, OpError> {
        agent
            .groups
            .in_transaction(move |groups| {
                let row = match groups.find_going(&self.group)? {
                    Ok(row) => row,
                    Err(error) => return Ok(Err(error)),
                };
                let group = row.id;
                if let Some(named) = self.set {
                    let mut deputies = Vec::with_capacity(named.len());
                    for typed in named {
                        match groups.find_person(group, &typed)? {
                            Ok(peer) => deputies.push(peer),
                            Err(error) => return Ok(Err(error)),
                        }
                    }
                    if let Err(error) = groups.set_deputies(group, deputies)? {
                        return Ok(Err(error));
                    }
                }
                let view = groups.view(group)?;
                let (steward, deputies) = (view.steward, view.deputies);
                Ok(Ok(GroupLed { group, name: row.name, steward, deputies }))
            })
            .await
    }
}

impl Run for GroupTakeOver {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GroupChanged, OpError> {
        agent
            .groups
            .in_transaction(move |groups| {
                let row = match groups.find_going(&self.group)? {
                    Ok(row) => row,
                    Err(error) => return Ok(Err(error)),
                };
                let (group, us) = (row.id, groups.us);
                if groups.view(group)?.steward == us {
                    return Ok(Err(OpError::new(ErrorCode::Usage, "you are the steward of this group")
                        .suggest("see who is in it", ["group", "members", "GROUP"])));
                }
                let done = groups.take_over(group)?;
                Ok(done.map(|()| GroupChanged { group, name: row.name, peer: us }))
            })
            .await
    }
}
