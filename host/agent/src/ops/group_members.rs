use coworker_api::ops::{
    GroupChanged, GroupMemberInfo, GroupMembers, GroupPeople, GroupRemove, GroupTransfer,
};
use coworker_policy::{ErrorCode, GroupId, PeerId};

use super::Run;
use super::group_list::name;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::base::typed::Kind;
use crate::groups::GroupTransaction;
use crate::state::StateError;
use crate::trust::peer_names;

impl Run for GroupMembers {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GroupPeople, OpError> {
        let shared = agent.clone();
        agent
            .groups
            .in_transaction(move |groups| {
                let row = match groups.find_going(&self.group)? {
                    Ok(row) => row,
                    Err(error) => return Ok(Err(error)),
                };
                let group = row.id;
                let view = groups.view(group)?;
                let mut members = Vec::with_capacity(view.members.len());
                for peer in view.members {
                    let us = peer == groups.us;
                    members.push(GroupMemberInfo {
                        peer,
                        name: if us { Some(shared.core.config.name.clone()) } else { name(groups.tx, peer)? },
                        tier: shared.trust.tier(peer),
                        us,
                        steward: peer == view.steward,
                        deputy: view.deputies.iter().position(|deputy| *deputy == peer).map(|seat| seat + 1),
                        connected: groups.tx.is_linked(peer),
                        waiting: groups.tx.store.queued(peer)?,
                    });
                }
                let invited = groups.tx.store.group_invited(row.id)?;
                Ok(Ok(GroupPeople { group, name: row.name, members, invited }))
            })
            .await
    }
}

impl Run for GroupRemove {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GroupChanged, OpError> {
        change(agent, self.group, self.peer, remove).await
    }
}

impl Run for GroupTransfer {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GroupChanged, OpError> {
        change(agent, self.group, self.peer, transfer).await
    }
}

type Change = fn(&mut GroupTransaction<'_, '_>, GroupId, PeerId) -> Result<Result<(), OpError>, StateError>;

// Not the methods themselves: those are for one lifetime of the circle each.
fn remove(
    groups: &mut GroupTransaction<'_, '_>,
    group: GroupId,
    peer: PeerId,
) -> Result<Result<(), OpError>, StateError> {
    groups.remove(group, peer)
}

fn transfer(
    groups: &mut GroupTransaction<'_, '_>,
    group: GroupId,
    peer: PeerId,
) -> Result<Result<(), OpError>, StateError> {
    groups.transfer(group, peer)
}

async fn change(agent: &Agent, group: String, peer: String, change: Change) -> Result<GroupChanged, OpError> {
    agent
        .groups
        .in_transaction(move |groups| {
            let row = match groups.find_going(&group)? {
                Ok(row) => row,
                Err(error) => return Ok(Err(error)),
            };
            let group = row.id;
            let peer = match groups.find_person(group, &peer)? {
                Ok(peer) => peer,
                Err(error) => return Ok(Err(error)),
            };
            let changed = change(groups, group, peer)?;
            Ok(changed.map(|()| GroupChanged { group, name: row.name, peer }))
        })
        .await
}

/// The member of a group that `typed` names, for what is asked of one member alone.
pub(super) async fn one_member(agent: &Agent, group: String, typed: String) -> Result<PeerId, OpError> {
    agent
        .groups
        .in_transaction(move |groups| {
            let row = match groups.find_going(&group)? {
                Ok(row) => row,
                Err(error) => return Ok(Err(error)),
            };
            let group = row.id;
            let found = groups.find_person(group, &typed)?;
            Ok(found.and_then(|peer| {
                if peer == groups.us {
                    return Err(OpError::new(ErrorCode::Usage, "that is you")
                        .suggest("run a skill of your own", ["skill", "run", "NAME", "INPUT"]));
                }
                Ok(peer)
            }))
        })
        .await
}

impl GroupTransaction<'_, '_> {
    /// A member, or one that was asked in, by its name, its id, or the start of its id. Names are claims, so
    /// only members' count.
    pub(super) fn find_person(
        &mut self,
        group: GroupId,
        typed: &str,
    ) -> Result<Result<PeerId, OpError>, StateError> {
        let mut people = self.view(group)?.members;
        people.extend(self.tx.store.group_invited(group)?);
        let mut found = Vec::new();
        for peer in people {
            if peer_names::is_named(typed, peer, name(self.tx, peer)?.as_ref()) {
                found.push(peer);
            }
        }
        Ok(MEMBERS.only(typed, found, PeerId::short))
    }
}

const MEMBERS: Kind = Kind {
    singular: "member",
    plural: "members",
    code: ErrorCode::NotConnected,
    hints: &[("see the members", &["group", "members", "GROUP"])],
};
