use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::error::ApiError;
use crate::observer::CallObserver;
use crate::operation::Operation;
use crate::request::Request;
use crate::update::Update;

/// A boxed future, as object-safe traits return them.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs operations: the agent itself, or the client of its local socket.
pub trait Backend: Send + Sync + 'static {
    /// Runs one operation to its answer. Dropping the future before that gives the operation up where it stands.
    fn run_request(&self, request: Request, observer: CallObserver)
    -> BoxFuture<'_, Result<Value, ApiError>>;
}

/// A handle to an agent, in this process or behind its socket; its user cannot tell which. Cheap to clone.
#[derive(Clone)]
pub struct AgentHandle(Arc<dyn Backend>);

impl AgentHandle {
    pub fn new(backend: impl Backend) -> Self {
        Self(Arc::new(backend))
    }

    /// Runs an operation whose updates nobody needs.
    pub async fn run<O: Operation>(&self, operation: O) -> Result<O::Answer, ApiError> {
        answer(self.0.run_request(operation.into(), CallObserver::default()).await?)
    }

    /// Runs an operation; `hear` takes its updates, and `cancel` cancels it if it can be cancelled. The answer is
    /// awaited in any case.
    pub async fn run_observed<O: Operation>(
        &self,
        operation: O,
        cancel: CancellationToken,
        mut hear: impl FnMut(Update),
    ) -> Result<O::Answer, ApiError> {
        let (observer, mut updates) = CallObserver::new(cancel);
        // The observer moves into the run, so that the updates end with it.
        let run = self.0.run_request(operation.into(), observer);
        let updates = async {
            while let Some(update) = updates.recv().await {
                hear(update);
            }
        };
        answer(tokio::join!(run, updates).0?)
    }

    /// Runs a request of any kind.
    pub async fn run_request(&self, request: Request, observer: CallObserver) -> Result<Value, ApiError> {
        self.0.run_request(request, observer).await
    }

    /// Runs `{"op": NAME, "with": ARGUMENTS}` and returns the answer as JSON.
    pub async fn run_json(&self, request: Value, observer: CallObserver) -> Result<Value, ApiError> {
        self.run_request(Request::from_json(request)?, observer).await
    }
}

fn answer<T: serde::de::DeserializeOwned>(answer: Value) -> Result<T, ApiError> {
    serde_json::from_value(answer).map_err(|error| ApiError::fault(&error))
}
