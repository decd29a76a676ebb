//! The owner's language model: which one it is, and what it is asked for whom.

mod asked;
mod budget;
mod planning;
mod setup;

pub(crate) use asked::Asked;
pub(crate) use planning::{ask_for_plan, used_of_row};
pub(crate) use setup::{KeyFrom, Setup};

use coworker_model::{Ask, Completion, Endpoint, Message, ModelError, Options, Prices};

use crate::agent::Agent;

/// The model that the owner chose, ready to be asked.
#[derive(Clone, Debug)]
pub struct Model {
    endpoint: Endpoint,
    prices: Option<Prices>,
    key: KeyFrom,
}

impl Model {
    /// Asks on behalf of the owner, and within no budget: what the agent itself wants to know. Skills ask
    /// through their calls.
    pub async fn complete(&self, messages: &[Message], options: Options) -> Result<Completion, ModelError> {
        self.endpoint.complete(&Ask { messages, options }).await
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn prices(&self) -> Option<Prices> {
        self.prices
    }

    pub(crate) fn key(&self) -> &KeyFrom {
        &self.key
    }
}

impl Agent {
    /// `None` if the owner chose none, or what was chosen cannot be used.
    pub fn model(&self) -> Option<&Model> {
        self.model.ready()
    }
}
