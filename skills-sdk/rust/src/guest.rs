//! Connects the generated bindings with [`Component`]. The code that [`skills!`](crate::skills) generates calls it.

use crate::bindings;
use crate::component::{Component, Descriptor};
use crate::error::SkillError;
use crate::log;

pub fn describe(component: &Component) -> Vec<bindings::Descriptor> {
    component.describe().into_iter().map(Into::into).collect()
}

pub fn invoke(component: &Component, skill: &str, input: &str) -> Result<String, bindings::SkillError> {
    // A panic ends the guest with a trap that carries no message, so the message goes to the log.
    std::panic::set_hook(Box::new(|panic| log::error(&panic.to_string())));
    component.invoke(skill, input).map_err(Into::into)
}

impl From<Descriptor> for bindings::Descriptor {
    fn from(descriptor: Descriptor) -> Self {
        Self {
            name: descriptor.name,
            version: descriptor.version,
            description: descriptor.description,
            when_to_use: descriptor.when_to_use,
            category: descriptor.category,
            input_schema: descriptor.input_schema,
            output_schema: descriptor.output_schema,
        }
    }
}

impl From<SkillError> for bindings::SkillError {
    fn from(error: SkillError) -> Self {
        match error {
            SkillError::InvalidInput(why) => Self::InvalidInput(why),
            SkillError::Denied(why) => Self::Denied(why),
            SkillError::Unavailable(why) => Self::Unavailable(why),
            SkillError::Cancelled => Self::Cancelled,
            SkillError::Deadline => Self::Deadline,
            SkillError::Other(why) => Self::Other(why),
        }
    }
}
