use std::sync::Arc;

use coworker_policy::{AgentName, Card, GroupId, PeerId, Tier};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::call::{Call, Called};
use super::group_list::name;
use super::group_members::one_member;
use super::{Operation, discover};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

/// Members asked at once.
const AT_ONCE: usize = 16;

/// Asks every member what it shows us. Each answers for itself, by what it thinks of us.
#[derive(Debug, Serialize, Deserialize)]
pub struct GroupDiscover {
    pub group: String,
    /// Seconds, for each.
    pub timeout: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct GroupDiscovered {
    pub group: GroupId,
    pub name: String,
    pub members: Vec<MemberCards>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct MemberCards {
    pub peer: PeerId,
    pub name: Option<AgentName>,
    /// What we think of it.
    pub tier: Tier,
    pub skills: Vec<Card>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<OpError>,
}

/// Calls a member's skill, over our own session with it: the other members read neither question nor answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct GroupCall {
    pub group: String,
    pub member: String,
    pub skill: String,
    /// JSON text.
    pub input: String,
    /// Seconds.
    pub timeout: f64,
}

impl Operation for GroupDiscover {
    type Answer = GroupDiscovered;

    async fn run(self, agent: &Agent) -> Result<GroupDiscovered, OpError> {
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
            let group = GroupId::from_bytes(row.id);
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

impl Operation for GroupCall {
    type Answer = Called;

    async fn run(self, agent: &Agent) -> Result<Called, OpError> {
        self.run_for(agent, &CallObserver::default()).await
    }

    async fn run_for(self, agent: &Agent, observer: &CallObserver) -> Result<Called, OpError> {
        let Self { group, member, skill, input, timeout } = self;
        let peer = one_member(agent, group, member).await?;
        Call { peer: peer.to_string(), skill, input, version: None, timeout }
            .run_at(agent, observer, peer)
            .await
    }
}
