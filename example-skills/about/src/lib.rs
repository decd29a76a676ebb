//! Explains coworker to whoever asks. Needs nothing of the host, so an owner can show it to strangers.

mod pages;

use coworker_skill::SkillError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

coworker_skill::skills! {
    /// Explains what coworker is, what it keeps private, how trust works, and how to call, write and
    /// share skills. One topic at a time; every answer names the topics that belong to it.
    about {
        category: "help",
        when_to_use: "You want to know what this agent is or what a word like tier, skill or grant means.",
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// What to explain.
    #[serde(default)]
    pub topic: Topic,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// What coworker is for.
    #[default]
    General,
    /// What others can and cannot learn.
    Privacy,
    /// The four tiers and how they change.
    Trust,
    /// What a skill is and how one is called.
    Skills,
    /// How a skill is kept from the owner's machine.
    Sandbox,
    /// What a skill may ask of the host.
    Grants,
    /// How agents find and reach each other.
    Network,
    /// How to write a skill.
    Writing,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Page {
    /// The topic that is explained.
    pub topic: Topic,
    pub title: String,
    /// Plain text, a few sentences.
    pub text: String,
    /// Topics to ask for next.
    pub see_also: Vec<Topic>,
}

/// The skill itself.
pub fn about(Ask { topic }: Ask) -> Result<Page, SkillError> {
    Ok(pages::page(topic))
}
