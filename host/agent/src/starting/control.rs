//! The local socket of a running `serve`: other commands of the same user go through it, so that one
//! process holds the agent. One JSON line in; out come a line for each update, and last the answer. Who
//! closes its end of the connection before that wants the answer no more.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use coworker_policy::ErrorCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::home::{Home, HomeError};
use crate::base::observer::{CallObserver, Update};
use crate::ops::{Operation, Request};
use crate::starting::open::StartError;

/// Longest line either way, in bytes: the largest input or output, escaped.
const MAX_LINE: u64 = 32 * 1024 * 1024;
/// How long a command waits for another one to let go of the agent.
const TIMEOUT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(30);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reply {
    /// Not the last line.
    Update(Update),
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
        let give_up = tokio::time::Instant::now() + TIMEOUT;
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
        self.run_telling(operation, CancellationToken::new(), |_| {}).await
    }

    /// The same; `tell` hears what happens meanwhile, and `cancel` calls off what can be called off.
    pub async fn run_telling<O: Operation>(
        &self,
        operation: O,
        cancel: CancellationToken,
        mut tell: impl FnMut(Update),
    ) -> Result<O::Answer, OpError> {
        match self {
            Self::Here(agent) => {
                let (observer, mut updates) = CallObserver::new(cancel);
                let run = async {
                    let observer = observer;
                    operation.run_for(agent, &observer).await
                };
                let hear = async {
                    while let Some(update) = updates.recv().await {
                        tell(update);
                    }
                };
                tokio::join!(run, hear).0
            }
            Self::Serving(home) => {
                let answer = send(home, &operation.into(), cancel, tell).await?;
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

async fn send(
    home: &Home,
    request: &Request,
    cancel: CancellationToken,
    tell: impl FnMut(Update),
) -> Result<Value, OpError> {
    let mut line = serde_json::to_vec(request).map_err(|error| OpError::fault(&error))?;
    line.push(b'\n');
    let exchange = async {
        let (read, mut write) = UnixStream::connect(home.socket()).await?.into_split();
        write.write_all(&line).await?;
        let call_off = async {
            cancel.cancelled().await;
            // Nothing but the end of what we say means this; the answer still comes.
            let _ = write.shutdown().await;
            std::future::pending().await
        };
        tokio::select! {
            last = last_line(BufReader::new(read), tell) => last,
            never = call_off => never,
        }
    };
    // A process that is killed leaves a connection that ends, is reset or is refused, as it happens.
    match exchange.await.ok().flatten() {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(error)) => Err(error),
        None => Err(OpError::new(ErrorCode::InUse, "`coworker serve` ended before it answered")
            .hint("start it again, or run the command once more")),
    }
}

/// `None` if the connection ends before the answer.
async fn last_line(
    mut read: impl AsyncBufRead + Unpin,
    mut tell: impl FnMut(Update),
) -> io::Result<Option<Result<Value, OpError>>> {
    let mut line = Vec::new();
    loop {
        line.clear();
        (&mut read).take(MAX_LINE).read_until(b'\n', &mut line).await?;
        match serde_json::from_slice(&line) {
            Ok(Reply::Update(update)) => tell(update),
            Ok(Reply::Ok(answer)) => return Ok(Some(Ok(answer))),
            Ok(Reply::Err(error)) => return Ok(Some(Err(error))),
            Err(_) => return Ok(None),
        }
    }
}

/// Listens until the agent stops.
pub(crate) fn listen(agent: &Agent) -> Result<(), OpError> {
    let path = agent.core.home.socket();
    // We hold the lock, so whatever lies there is left over.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).map_err(|error| OpError::fault(&error))?;
    let agent = agent.clone();
    agent.core.tasks.clone().spawn(async move {
        tokio::select! {
            () = accept(&agent, &listener) => {}
            () = agent.core.stop.cancelled() => {}
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
                agent.core.tasks.clone().spawn(async move {
                    tokio::select! {
                        _ = answer(&agent, stream) => {}
                        () = agent.core.stop.cancelled() => {}
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
    let owner = std::fs::metadata(agent.core.home.dir()).map(|dir| dir.uid());
    matches!((owner, stream.peer_cred()), (Ok(owner), Ok(peer)) if peer.uid() == owner || peer.uid() == 0)
}

async fn answer(agent: &Agent, stream: UnixStream) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut line = Vec::new();
    if (&mut read).take(MAX_LINE).read_until(b'\n', &mut line).await? == 0 {
        return Ok(());
    }
    let cancel = CancellationToken::new();
    let (observer, updates) = CallObserver::new(cancel.clone());
    let run = async {
        let observer = observer;
        match serde_json::from_slice::<Request>(&line) {
            Ok(request) => request.run(agent, &observer).await,
            Err(error) => {
                Err(OpError::new(ErrorCode::Usage, format!("not an operation of this version: {error}"))
                    .hint("use the same coworker version for `serve` and the command"))
            }
        }
    };
    let run = async { tokio::join!(run, pass_on(updates, &mut write)).0 };
    // To the end, also if whoever asked is gone; what can be called off ends early.
    let reply = tokio::select! {
        reply = run => reply,
        never = gone(read, cancel) => never,
    };
    say(&mut write, &reply.map_or_else(Reply::Err, Reply::Ok)).await
}

/// Hears updates to the end, also when nobody takes them any more.
async fn pass_on(mut updates: mpsc::Receiver<Update>, write: &mut (impl AsyncWrite + Unpin)) {
    let mut taken = true;
    while let Some(update) = updates.recv().await {
        taken = taken && say(write, &Reply::Update(update)).await.is_ok();
    }
}

async fn say(write: &mut (impl AsyncWrite + Unpin), reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    write.write_all(&line).await
}

/// Waits for whoever asked to close its end, and then lets the operation know.
async fn gone<T>(mut read: impl AsyncBufRead + Unpin, cancel: CancellationToken) -> T {
    while let Ok(more) = read.fill_buf().await {
        let length = more.len();
        if length == 0 {
            break;
        }
        read.consume(length);
    }
    cancel.cancel();
    std::future::pending().await
}
