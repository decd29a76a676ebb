//! Explains coworker. Needs no grant, so an owner can expose it to strangers.

mod pages;

use coworker_skill::SkillError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

coworker_skill::skills! {
    /// Explains what coworker is, what it keeps private, how trust works, and how to call, write and
    /// share skills. One topic at a time; every answer names related topics.
    about {
        category: "help",
        when_to_use: "You want to know what this agent is or what a word like tier, skill or grant means.",
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The topic to explain.
    #[serde(default)]
    pub topic: Topic,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// The purpose of coworker.
    #[default]
    General,
    /// The information that others can and cannot learn.
    Privacy,
    /// The four tiers and how they change.
    Trust,
    /// Skills and how they are called.
    Skills,
    /// The isolation of a skill from the owner's machine.
    Sandbox,
    /// The capabilities that a skill can get from the host.
    Grants,
    /// How agents find and reach each other.
    Network,
    /// How to write a skill.
    Writing,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Page {
    /// The explained topic.
    pub topic: Topic,
    pub title: String,
    /// Plain text, a few sentences.
    pub text: String,
    /// Topics to ask for next.
    pub see_also: Vec<Topic>,
}

/// Runs the skill.
pub fn about(Ask { topic }: Ask) -> Result<Page, SkillError> {
    Ok(pages::page(topic))
}
