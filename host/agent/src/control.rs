//! The local socket of a running `serve`: other commands of the same user go through it, so that one
//! process holds the agent. One JSON line in, one JSON line out.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use coworker_policy::ErrorCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::agent::{Agent, StartError};
use crate::error::OpError;
use crate::home::{Home, HomeError};
use crate::ops::{Operation, Request};

/// Longest line either way, in bytes: the largest input or output, escaped.
const MAX_LINE: u64 = 32 * 1024 * 1024;
/// How long a command waits for another one to let go of the agent.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(30);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reply {
    Ok(Value),
    Err(OpError),
}

/// A way to the agent: in this process, or through the one that serves it.
pub enum Session {
    Here(Agent),
    Serving(Home),
}

impl Session {
    /// Goes through a running `serve` if there is one, else takes the agent for this process.
    pub async fn open(home: Home) -> Result<Self, OpError> {
        let give_up = tokio::time::Instant::now() + PATIENCE;
        loop {
            if UnixStream::connect(home.socket()).await.is_ok() {
                return Ok(Self::Serving(home));
            }
            match Agent::open(home.clone(), Duration::ZERO).await {
                Ok(agent) => return Ok(Self::Here(agent)),
                // A `serve` that is just starting, or a short command.
                Err(StartError::Home(HomeError::Held { .. })) if tokio::time::Instant::now() < give_up => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub async fn run<O: Operation>(&self, operation: O) -> Result<O::Answer, OpError> {
        match self {
            Self::Here(agent) => operation.run(agent).await,
            Self::Serving(home) => {
                let answer = send(home, &operation.into()).await?;
                serde_json::from_value(answer).map_err(|error| OpError::fault(&error))
            }
        }
    }

    pub async fn close(&self) {
        if let Self::Here(agent) = self {
            agent.close().await;
        }
    }
}

async fn send(home: &Home, request: &Request) -> Result<Value, OpError> {
    let mut line = serde_json::to_vec(request).map_err(|error| OpError::fault(&error))?;
    line.push(b'\n');
    let exchange = async {
        let mut stream = UnixStream::connect(home.socket()).await?;
        stream.write_all(&line).await?;
        let mut answer = Vec::new();
        BufReader::new(stream.take(MAX_LINE)).read_until(b'\n', &mut answer).await?;
        io::Result::Ok(answer)
    };
    // A process that is killed leaves a connection that ends, is reset or is refused, as it happens.
    let reply = exchange.await.ok().and_then(|answer| serde_json::from_slice(&answer).ok());
    let reply = reply.ok_or_else(|| {
        OpError::new(ErrorCode::InUse, "`coworker serve` ended before it answered")
            .hint("start it again, or run the command once more")
    })?;
    match reply {
        Reply::Ok(answer) => Ok(answer),
        Reply::Err(error) => Err(error),
    }
}

/// Listens until the agent stops.
pub(crate) fn listen(agent: &Agent) -> Result<(), OpError> {
    let path = agent.home.socket();
    // We hold the lock, so whatever lies there is left over.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).map_err(|error| OpError::fault(&error))?;
    let agent = agent.clone();
    agent.tasks.clone().spawn(async move {
        tokio::select! {
            () = accept(&agent, &listener) => {}
            () = agent.stop.cancelled() => {}
        }
        let _ = std::fs::remove_file(path);
    });
    Ok(())
}

async fn accept(agent: &Agent, listener: &UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) if is_ours(agent, &stream) => {
                let agent = agent.clone();
                agent.tasks.clone().spawn(async move {
                    tokio::select! {
                        _ = answer(&agent, stream) => {}
                        () = agent.stop.cancelled() => {}
                    }
                });
            }
            Ok(_) => tracing::warn!("another user knocked at the local socket"),
            Err(error) => {
                tracing::warn!(%error, "the local socket failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Only the user who owns the data directory, whatever the socket's permissions came to be.
fn is_ours(agent: &Agent, stream: &UnixStream) -> bool {
    let owner = std::fs::metadata(agent.home.dir()).map(|dir| dir.uid());
    matches!((owner, stream.peer_cred()), (Ok(owner), Ok(peer)) if peer.uid() == owner || peer.uid() == 0)
}

async fn answer(agent: &Agent, stream: UnixStream) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read.take(MAX_LINE));
    let mut line = Vec::new();
    if read.read_until(b'\n', &mut line).await? == 0 {
        return Ok(());
    }
    let run = async {
        match serde_json::from_slice::<Request>(&line) {
            Ok(request) => request.run(agent).await,
            Err(error) => {
                Err(OpError::new(ErrorCode::Usage, format!("not an operation of this version: {error}"))
                    .hint("use the same coworker version for `serve` and the command"))
            }
        }
    };
    // To the end, also if whoever asked is gone: half a change of trust would be on disk and not in force.
    let reply = run.await.map_or_else(Reply::Err, Reply::Ok);
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    write.write_all(&line).await
}
