use std::sync::Arc;

use coworker_api::ops::{Call, Called, GroupCall, GroupDiscover, GroupDiscovered, MemberCards};
use coworker_policy::{AgentName, GroupId, PeerId};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::call::call_at;
use super::group_list::name;
use super::group_members::one_member;
use super::{Run, discover};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

/// Members asked at once.
const AT_ONCE: usize = 16;

impl Run for GroupDiscover {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GroupDiscovered, OpError> {
        discover::checked_timeout(self.timeout)?;
        let (group, called, peers) = others(agent, self.group).await?;
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut asking = JoinSet::new();
        for (peer, known_as) in peers {
            let (agent, turns) = (agent.clone(), Arc::clone(&turns));
            asking.spawn(async move {
                let _turn = turns.acquire().await;
                let answer = discover::ask(&agent, peer, self.timeout).await;
                let tier = agent.trust.tier(peer);
                match answer {
                    Ok(found) => {
                        let name = Some(found.name);
                        MemberCards { peer, name, tier, skills: found.skills, error: None }
                    }
                    Err(error) => {
                        MemberCards { peer, name: known_as, tier, skills: Vec::new(), error: Some(error) }
                    }
                }
            });
        }
        let mut members = Vec::new();
        while let Some(answer) = asking.join_next().await {
            members.push(answer.map_err(|error| OpError::fault(&error))?);
        }
        members.sort_by_key(|member| member.peer);
        Ok(GroupDiscovered { group, name: called, members })
    }
}

type Others = (GroupId, String, Vec<(PeerId, Option<AgentName>)>);

async fn others(agent: &Agent, typed: String) -> Result<Others, OpError> {
    agent
        .groups
        .in_transaction(move |groups| {
            let row = match groups.find_going(&typed)? {
                Ok(row) => row,
                Err(error) => return Ok(Err(error)),
            };
            let group = row.id;
            let mut peers = Vec::new();
            for peer in groups.view(group)?.members {
                if peer != groups.us {
                    peers.push((peer, name(groups.tx, peer)?));
                }
            }
            Ok(Ok((group, row.name, peers)))
        })
        .await
}

impl Run for GroupCall {
    async fn run_observed(self, agent: &Agent, observer: &CallObserver) -> Result<Called, OpError> {
        let Self { group, member, skill, input, timeout } = self;
        let peer = one_member(agent, group, member).await?;
        let call = Call { peer: peer.to_string(), skill, input, version: None, timeout };
        call_at(agent, observer, peer, call).await
    }
}
