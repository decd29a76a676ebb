use coworker_policy::{AgentName, Card, SkillName};
use serde::{Deserialize, Serialize};

use crate::agent::Agent;

/// The skills that the owner's agent and its peers show to the owner. A plan uses these and no others.
///
/// If two agents show the same skill, the planner prefers the agent that the goal names, then the first in the list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VisibleSkills(Vec<AgentSkills>);

/// The skills of one agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentSkills {
    pub agent: Agent,
    /// The owner's name for the agent.
    pub name: AgentName,
    pub cards: Vec<Card>,
}

impl VisibleSkills {
    /// Keeps the first entry of each agent.
    pub fn new(agents: impl IntoIterator<Item = AgentSkills>) -> Self {
        let mut visible = Self::default();
        for entry in agents {
            if visible.of(&entry.agent).is_none() {
                visible.0.push(entry);
            }
        }
        visible
    }

    pub fn iter(&self) -> impl Iterator<Item = &AgentSkills> {
        self.0.iter()
    }

    /// Returns whether no agent shows any skill.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|entry| entry.cards.is_empty())
    }

    /// Returns the skills of `agent`; `None` if it does not take part.
    pub fn of(&self, agent: &Agent) -> Option<&AgentSkills> {
        self.0.iter().find(|entry| entry.agent == *agent)
    }

    pub fn card(&self, agent: &Agent, skill: &SkillName) -> Option<&Card> {
        self.of(agent)?.cards.iter().find(|card| card.name == *skill)
    }

    /// Resolves `me`, an id, or a name. Names ignore case and must be unambiguous.
    pub fn agent(&self, text: &str) -> Option<Agent> {
        if let Ok(agent) = text.parse::<Agent>() {
            return Some(agent);
        }
        let mut named =
            self.0.iter().filter(|entry| entry.name.as_str().to_lowercase() == text.to_lowercase());
        let first = named.next()?;
        named.next().is_none().then_some(first.agent)
    }
}
