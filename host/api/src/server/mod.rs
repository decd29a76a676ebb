//! The server half of the local socket: a listener for the processes of the agent's own user.

mod connection;
mod places;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::handle::AgentHandle;
use crate::lines;
use crate::protocol::{Limits, Reply, ReplyLine, ServerHello};
use crate::socket::is_same_user;
use places::Places;

/// Pause after a failed `accept`, such as one for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(30);

/// Serves one agent's local socket.
pub struct Server {
    agent: AgentHandle,
    hello: ServerHello,
    limits: Limits,
    /// The agent's data directory. Its owner is the only user who is served.
    dir: PathBuf,
    tasks: TaskTracker,
    stop: CancellationToken,
    places: Places,
}

impl Server {
    /// All tasks of the server are among `tasks`, and end with `stop`.
    pub fn new(
        agent: AgentHandle,
        hello: ServerHello,
        limits: Limits,
        dir: PathBuf,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self { agent, hello, limits, dir, tasks, stop, places: Places::new(limits.connections) }
    }

    /// Accepts connections until the agent stops.
    pub async fn listen(self, listener: UnixListener) {
        let server = Arc::new(self);
        tokio::select! {
            () = server.accept(&listener) => {}
            () = server.stop.cancelled() => {}
        }
    }

    async fn accept(self: &Arc<Self>, listener: &UnixListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) if is_same_user(&self.dir, &stream).unwrap_or(false) => self.admit(stream),
                Ok(_) => tracing::warn!("refused a connection of another user at the local socket"),
                Err(error) => {
                    tracing::warn!(%error, "the local socket cannot accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn admit(self: &Arc<Self>, stream: UnixStream) {
        let server = Arc::clone(self);
        self.tasks.spawn(async move {
            let serve = async {
                match server.places.take() {
                    Ok(place) => connection::serve(&server, stream, &place).await,
                    Err(error) => refuse(stream, error, server.limits.stalled).await,
                }
            };
            tokio::select! {
                () = serve => {}
                () = server.stop.cancelled() => {}
            }
        });
    }
}

async fn refuse(mut stream: UnixStream, error: crate::ApiError, within: Duration) {
    let line = lines::write(&ReplyLine { id: None, reply: Reply::Err(error) }).unwrap_or_default();
    // The client may be gone, or never read.
    let _ = tokio::time::timeout(within, stream.write_all(&line)).await;
}
