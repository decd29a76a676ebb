//! A command's way to the agent: through a running `serve`, or with the agent in this process.

use std::time::Duration;

use coworker_agent::{Agent, Home, HomeError, StartError};
use coworker_api::{AgentHandle, ApiError, Client, ConnectError, Operation, Update};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How long a command waits for another one to release the agent.
const TIMEOUT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(30);
/// The name of this program in the hello of the socket protocol.
const PROGRAM: &str = concat!("coworker-cli ", env!("CARGO_PKG_VERSION"));

/// The agent, as a command uses it.
pub(crate) struct Session {
    handle: AgentHandle,
    /// The agent, if this process holds it.
    here: Option<Agent>,
}

impl Session {
    /// Connects to a running `serve` if there is one; otherwise opens the agent in this process.
    pub(crate) async fn open(home: &Home) -> Result<Self, ApiError> {
        let give_up = Instant::now() + TIMEOUT;
        loop {
            match Client::connect(home.dir(), PROGRAM).await {
                Ok(client) => return Ok(Self { handle: AgentHandle::new(client), here: None }),
                Err(ConnectError::Refused(error)) => return Err(error),
                Err(ConnectError::Absent) => {}
            }
            match Agent::open(home.clone(), Duration::ZERO).await {
                Ok(agent) => return Ok(Self::here(agent)),
                // A `serve` that is just starting, or a short command.
                Err(StartError::Home(HomeError::Held { .. })) if Instant::now() < give_up => {
                    sleep(PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Uses an agent that this process holds.
    pub(crate) fn here(agent: Agent) -> Self {
        Self { handle: AgentHandle::new(agent.clone()), here: Some(agent) }
    }

    pub(crate) async fn run<O: Operation>(&self, operation: O) -> Result<O::Answer, ApiError> {
        self.handle.run(operation).await
    }

    /// Runs an operation, passes its updates to `hear`, and cancels it with `cancel` if it can be cancelled.
    pub(crate) async fn run_observed<O: Operation>(
        &self,
        operation: O,
        cancel: CancellationToken,
        hear: impl FnMut(Update),
    ) -> Result<O::Answer, ApiError> {
        self.handle.run_observed(operation, cancel, hear).await
    }

    /// True if another process serves the agent.
    pub(crate) fn is_serving(&self) -> bool {
        self.here.is_none()
    }

    /// Releases the agent if this process holds it.
    pub(crate) async fn close(&self) {
        if let Some(agent) = &self.here {
            agent.close().await;
        }
    }
}
