//! One connection: a hello, then requests that run side by side.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use coworker_policy::ErrorCode;
use tokio::io::{AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Server;
use super::places::Place;
use crate::error::ApiError;
use crate::lines;
use crate::observer::CallObserver;
use crate::protocol::{self, ClientLine, MAX_HELLO, Reply, ReplyLine};
use crate::request::Request;

/// Lines that wait to be written. Updates of a client that reads slowly wait with it, and so does their operation.
const QUEUE: usize = 16;

pub(super) async fn serve(server: &Arc<Server>, stream: UnixStream, place: &Place<'_>) {
    let (read, write) = stream.into_split();
    let (lines, queue) = mpsc::channel(QUEUE);
    let replies = Replies { lines, gone: CancellationToken::new() };
    let gone = replies.gone.clone();
    let converse = converse(server, BufReader::new(read), replies, place);
    tokio::join!(converse, write_lines(queue, write, server.limits.stalled, gone));
}

/// The way to the client.
#[derive(Clone)]
struct Replies {
    lines: mpsc::Sender<Vec<u8>>,
    /// Cancelled once the client takes no more lines.
    gone: CancellationToken,
}

impl Replies {
    /// What cannot be said to a client that is gone is dropped.
    async fn say(&self, id: Option<u64>, reply: Reply) {
        if let Ok(line) = lines::write(&ReplyLine { id, reply }) {
            let _ = self.lines.send(line).await;
        }
    }
}

async fn converse(
    server: &Arc<Server>,
    mut read: BufReader<OwnedReadHalf>,
    replies: Replies,
    place: &Place<'_>,
) {
    let hello = tokio::select! {
        hello = timeout(server.limits.hello, lines::read(&mut read, MAX_HELLO)) => hello,
        () = place.evicted() => return replies.say(None, Reply::Err(evicted())).await,
    };
    match hello {
        Ok(Ok(Some(line))) => match protocol::read_hello(&line) {
            Ok(hello) => {
                tracing::debug!(client = ?hello.client, "a client connected to the local socket");
                replies.say(None, Reply::Hello(server.hello.clone())).await;
            }
            Err(error) => return replies.say(None, Reply::Err(error)).await,
        },
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
            let error = ApiError::new(ErrorCode::Usage, format!("the first line is not a hello: {error}"));
            return replies.say(None, Reply::Err(error)).await;
        }
        Ok(Ok(None) | Err(_)) => return,
        Err(_) => {
            let message = format!("no hello within {} seconds", server.limits.hello.as_secs());
            return replies.say(None, Reply::Err(ApiError::new(ErrorCode::Deadline, message))).await;
        }
    }
    let (incoming, received) = mpsc::channel(1);
    let read = async {
        let incoming = incoming;
        loop {
            let line = lines::read(&mut read, server.limits.line).await;
            let last = !matches!(line, Ok(Some(_)));
            if incoming.send(line).await.is_err() || last {
                return;
            }
        }
    };
    let mut requests = Requests::new(server, replies, place);
    tokio::select! {
        () = requests.run(received) => {}
        never = async { read.await; std::future::pending().await } => never,
    }
}

fn evicted() -> ApiError {
    ApiError::new(ErrorCode::LimitExceeded, "the connection was idle, and another one needed its place")
        .hint("connect again")
}

/// The requests of one connection.
struct Requests<'a> {
    server: &'a Arc<Server>,
    replies: Replies,
    place: &'a Place<'a>,
    running: HashMap<u64, CancellationToken>,
    done: (mpsc::Sender<u64>, mpsc::Receiver<u64>),
}

type Line = io::Result<Option<Vec<u8>>>;

impl<'a> Requests<'a> {
    fn new(server: &'a Arc<Server>, replies: Replies, place: &'a Place<'a>) -> Self {
        let done = mpsc::channel(server.limits.requests.max(1));
        Self { server, replies, place, running: HashMap::new(), done }
    }

    /// Returns when the connection is over and all its requests have ended.
    async fn run(&mut self, mut received: mpsc::Receiver<Line>) {
        let over = loop {
            tokio::select! {
                line = received.recv() => match line {
                    Some(Ok(Some(line))) => if let Err(error) = self.take(&line).await {
                        break Some(error);
                    },
                    Some(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                        break Some(ApiError::new(ErrorCode::LimitExceeded, error.to_string()));
                    }
                    _ => break None,
                },
                Some(id) = self.done.1.recv() => self.ended(id),
                () = self.place.evicted() => break Some(evicted()),
                () = self.replies.gone.cancelled() => break None,
            }
        };
        for cancel in self.running.values() {
            cancel.cancel();
        }
        // To the end also if the client is gone: half a change of trust would be on disk and not in force.
        while !self.running.is_empty() {
            let Some(id) = self.done.1.recv().await else { break };
            self.ended(id);
        }
        if let Some(error) = over {
            self.replies.say(None, Reply::Err(error)).await;
        }
    }

    /// An error is one that the connection does not survive.
    async fn take(&mut self, line: &[u8]) -> Result<(), ApiError> {
        match ClientLine::read(line)? {
            ClientLine::Cancel { id } => {
                // The request may have ended meanwhile.
                if let Some(cancel) = self.running.get(&id) {
                    cancel.cancel();
                }
            }
            ClientLine::Run { id, .. } if self.running.contains_key(&id) => {
                let message = format!("a request with the id {id} is still running");
                return Err(
                    ApiError::new(ErrorCode::Usage, message).hint("give each request an id of its own")
                );
            }
            ClientLine::Run { id, .. } if self.running.len() >= self.server.limits.requests => {
                let message = format!("{} requests run on this connection", self.running.len());
                let error = ApiError::new(ErrorCode::LimitExceeded, message)
                    .hint("wait for one of them to end, or open another connection");
                self.replies.say(Some(id), Reply::Err(error)).await;
            }
            ClientLine::Run { id, op, with } => match Request::new(&op, with) {
                Ok(request) => self.begin(id, request)?,
                Err(error) => self.replies.say(Some(id), Reply::Err(error)).await,
            },
        }
        Ok(())
    }

    fn begin(&mut self, id: u64, request: Request) -> Result<(), ApiError> {
        if !self.place.begin() {
            return Err(evicted());
        }
        let cancel = CancellationToken::new();
        self.running.insert(id, cancel.clone());
        let (server, replies, done) = (Arc::clone(self.server), self.replies.clone(), self.done.0.clone());
        self.server.tasks.spawn(async move {
            tokio::select! {
                () = answer(&server, id, request, cancel, &replies) => {}
                () = server.stop.cancelled() => {}
            }
            // The connection waits for this, unless the agent stops.
            let _ = done.send(id).await;
        });
        Ok(())
    }

    fn ended(&mut self, id: u64) {
        self.running.remove(&id);
        if self.running.is_empty() {
            self.place.idle();
        }
    }
}

async fn answer(server: &Server, id: u64, request: Request, cancel: CancellationToken, replies: &Replies) {
    let (observer, mut updates) = CallObserver::new(cancel);
    let pass_on = async {
        while let Some(update) = updates.recv().await {
            replies.say(Some(id), Reply::Update(update)).await;
        }
    };
    let (answer, ()) = tokio::join!(server.agent.run_request(request, observer), pass_on);
    replies.say(Some(id), answer.map_or_else(Reply::Err, Reply::Ok)).await;
}

/// Writes until there is nothing more to say. A client that takes no bytes for `stalled` is given up.
async fn write_lines(
    mut queue: mpsc::Receiver<Vec<u8>>,
    mut write: impl AsyncWrite + Unpin,
    stalled: Duration,
    gone: CancellationToken,
) {
    while let Some(line) = queue.recv().await {
        if write_line(&mut write, &line, stalled).await.is_err() {
            gone.cancel();
            // Requests that run to their end must not wait for room here.
            queue.close();
            while queue.recv().await.is_some() {}
            return;
        }
    }
}

async fn write_line(write: &mut (impl AsyncWrite + Unpin), line: &[u8], stalled: Duration) -> io::Result<()> {
    let mut rest = line;
    while !rest.is_empty() {
        let written = timeout(stalled, write.write(rest)).await??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(())
}
