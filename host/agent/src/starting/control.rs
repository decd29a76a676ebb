//! The local socket of a running `serve`: other commands of the same user go through it, so that one process holds
//! the agent.

use coworker_api::protocol::{Limits, Party, ServerHello, VERSION};
use coworker_api::server::Server;
use coworker_api::{AgentHandle, ApiError};
use tokio::net::UnixListener;

use crate::agent::Agent;

/// Listens until the agent stops.
pub(crate) fn listen(agent: &Agent) -> Result<(), ApiError> {
    let path = agent.core.home.socket();
    // We hold the lock, so a socket that lies there is left over.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).map_err(|error| ApiError::fault(&error))?;
    let hello = ServerHello {
        protocol: VERSION,
        agent: agent.core.us,
        name: agent.core.config.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        party: Party::OWNER,
    };
    let server = Server::new(
        AgentHandle::new(agent.clone()),
        hello,
        Limits::default(),
        agent.core.home.dir().to_owned(),
        agent.core.tasks.clone(),
        agent.core.stop.clone(),
    );
    agent.core.tasks.spawn(async move {
        server.listen(listener).await;
        let _ = std::fs::remove_file(path);
    });
    Ok(())
}
