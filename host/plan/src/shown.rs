use coworker_policy::{AgentName, Card, SkillName};
use serde::{Deserialize, Serialize};

use crate::agent::Agent;

/// What each agent showed us of its skills, ours included. A plan is made of these and of nothing else.
///
/// Of two that show the same skill the planner prefers the one that the goal names, then the one that stands first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shown(Vec<Showing>);

/// The skills of one agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Showing {
    pub agent: Agent,
    /// What the owner calls it.
    pub name: AgentName,
    pub cards: Vec<Card>,
}

impl Shown {
    /// What is shown twice counts once: the first time.
    pub fn new(showings: impl IntoIterator<Item = Showing>) -> Self {
        let mut shown = Self::default();
        for showing in showings {
            if shown.of(&showing.agent).is_none() {
                shown.0.push(showing);
            }
        }
        shown
    }

    pub fn iter(&self) -> impl Iterator<Item = &Showing> {
        self.0.iter()
    }

    /// What `agent` showed; `None` for one that takes no part.
    pub fn of(&self, agent: &Agent) -> Option<&Showing> {
        self.0.iter().find(|showing| showing.agent == *agent)
    }

    pub fn card(&self, agent: &Agent, skill: &SkillName) -> Option<&Card> {
        self.of(agent)?.cards.iter().find(|card| card.name == *skill)
    }

    /// The agent that is meant by `me`, an id, or a name (whatever its case) that only one has.
    pub fn agent(&self, text: &str) -> Option<Agent> {
        if let Ok(agent) = text.parse::<Agent>() {
            return Some(agent);
        }
        let mut named =
            self.0.iter().filter(|showing| showing.name.as_str().to_lowercase() == text.to_lowercase());
        let first = named.next()?;
        named.next().is_none().then_some(first.agent)
    }
}
