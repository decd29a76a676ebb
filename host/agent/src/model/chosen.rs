use coworker_model::{ChatRequest, Completion, Endpoint, Message, ModelError, Options, Prices};

use super::key_from::KeyFrom;

/// The model that the owner chose, ready to be asked.
#[derive(Clone, Debug)]
pub struct Model {
    endpoint: Endpoint,
    prices: Option<Prices>,
    key: KeyFrom,
}

impl Model {
    pub(super) fn new(endpoint: Endpoint, prices: Option<Prices>, key: KeyFrom) -> Self {
        Self { endpoint, prices, key }
    }

    /// Asks on behalf of the owner, without a budget. Skills ask through their calls.
    pub async fn complete(&self, messages: &[Message], options: Options) -> Result<Completion, ModelError> {
        self.endpoint.complete(&ChatRequest { messages, options }).await
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
