//! The client half of the local socket.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use coworker_policy::ErrorCode;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::sync::CancellationToken;

use crate::error::ApiError;
use crate::handle::{Backend, BoxFuture};
use crate::lines;
use crate::observer::CallObserver;
use crate::protocol::{self, ClientHello, MAX_HELLO, MAX_LINE, Party, Reply, ReplyLine, ServerHello};
use crate::request::Request;
use crate::socket::{is_same_user, socket_path};

/// Connections that are kept while no request uses them.
const IDLE: usize = 4;

/// Runs operations through a running `serve`. Each request has a connection to itself while it runs; connections are
/// used again, so that a command that asks one thing after another opens one.
#[derive(Debug)]
pub struct Client {
    dir: PathBuf,
    program: String,
    server: ServerHello,
    idle: Mutex<Vec<Connection>>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens at the socket.
    #[error("no agent is running")]
    Absent,
    #[error(transparent)]
    Refused(#[from] ApiError),
}

impl Client {
    /// Connects to the agent that serves the data directory `dir`. `program` names this program in the agent's log.
    pub async fn connect(dir: &Path, program: &str) -> Result<Self, ConnectError> {
        let (connection, server) = open(dir, program).await?;
        Ok(Self {
            dir: dir.to_owned(),
            program: program.to_owned(),
            server,
            idle: Mutex::new(vec![connection]),
        })
    }

    /// The hello of the agent.
    pub fn server(&self) -> &ServerHello {
        &self.server
    }

    async fn connection(&self) -> Result<Connection, ApiError> {
        while let Some(connection) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            if connection.is_open() {
                return Ok(connection);
            }
        }
        match open(&self.dir, &self.program).await {
            Ok((connection, _)) => Ok(connection),
            Err(ConnectError::Refused(error)) => Err(error),
            Err(ConnectError::Absent) => Err(ended()),
        }
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(connection);
        }
    }
}

impl Backend for Client {
    /// Dropping the future closes the connection, which cancels the operation if it can be cancelled.
    fn run_request(
        &self,
        request: Request,
        observer: CallObserver,
    ) -> BoxFuture<'_, Result<Value, ApiError>> {
        Box::pin(async move {
            let mut connection = self.connection().await?;
            // A killed process leaves a connection that ends or is reset, as it happens.
            match connection.exchange(&request, &observer).await.unwrap_or(None) {
                Some(Last::Ok(answer)) => {
                    self.keep(connection);
                    Ok(answer)
                }
                Some(Last::Err(error)) => {
                    self.keep(connection);
                    Err(error)
                }
                Some(Last::Goodbye(error)) => Err(error),
                None => Err(ended()),
            }
        })
    }
}

fn ended() -> ApiError {
    ApiError::new(ErrorCode::InUse, "`coworker serve` ended before it answered")
        .hint("start it again, or run the command once more")
}

#[derive(Debug)]
struct Connection {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
    next: u64,
}

/// The last line about a request.
enum Last {
    Ok(Value),
    Err(ApiError),
    /// An error that concerns the connection, which is of no more use.
    Goodbye(ApiError),
}

#[derive(Serialize)]
struct RequestLine<'a> {
    id: u64,
    #[serde(flatten)]
    request: &'a Request,
}

impl Connection {
    /// False once the other side has closed it or said goodbye.
    fn is_open(&self) -> bool {
        let waits = self.read.get_ref().try_read(&mut [0]);
        self.read.buffer().is_empty() && waits.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// `None` if the connection ends before the answer.
    async fn exchange(&mut self, request: &Request, observer: &CallObserver) -> io::Result<Option<Last>> {
        self.next += 1;
        let id = self.next;
        let never = CancellationToken::new();
        let line = lines::write(&RequestLine { id, request })?;
        // A server that refuses the line closes its end early, and says why.
        let _ = self.write.write_all(&line).await;
        let mut cancelled = false;
        loop {
            let line = {
                let mut read = pin!(lines::read(&mut self.read, MAX_LINE));
                loop {
                    tokio::select! {
                        line = &mut read => break line?,
                        () = observer.cancelled(), if !cancelled => {
                            cancelled = true;
                            let _ = self.write.write_all(&lines::write(&json!({ "id": id, "cancel": true }))?).await;
                        }
                    }
                }
            };
            let Some(line) = line else { return Ok(None) };
            let ReplyLine { id: of, reply } = serde_json::from_slice(&line)?;
            match reply {
                Reply::Update(update) if of == Some(id) => observer.tell(update, &never).await,
                Reply::Ok(answer) if of == Some(id) => return Ok(Some(Last::Ok(answer))),
                Reply::Err(error) if of == Some(id) => return Ok(Some(Last::Err(error))),
                Reply::Err(error) if of.is_none() => return Ok(Some(Last::Goodbye(error))),
                _ => return Ok(None),
            }
        }
    }
}

/// Opens a connection and exchanges hellos.
async fn open(dir: &Path, program: &str) -> Result<(Connection, ServerHello), ConnectError> {
    let socket = socket_path(dir);
    let stream = match UnixStream::connect(&socket).await {
        Ok(stream) => stream,
        Err(error) if is_absent(error.kind()) => return Err(ConnectError::Absent),
        Err(error) => return Err(ApiError::fault(&error).into()),
    };
    if !is_same_user(dir, &stream).map_err(|error| ApiError::fault(&error))? {
        let message = format!("another user's program listens at {}", socket.display());
        return Err(ApiError::new(ErrorCode::Usage, message)
            .hint("stop that program, or delete the socket")
            .into());
    }
    let (read, write) = stream.into_split();
    let mut connection = Connection { read: BufReader::new(read), write, next: 0 };
    let server = greet(&mut connection, program).await?;
    Ok((connection, server))
}

async fn greet(connection: &mut Connection, program: &str) -> Result<ServerHello, ConnectError> {
    let hello = ClientHello { protocol: protocol::VERSION, client: program.to_owned(), party: Party::OWNER };
    let line = lines::write(&json!({ "hello": hello })).map_err(|error| ApiError::fault(&error))?;
    // The answer tells whether it was taken.
    let _ = connection.write.write_all(&line).await;
    let answer = lines::read(&mut connection.read, MAX_HELLO).await;
    // A process that just ended leaves a socket at which nobody answers.
    let Ok(Some(answer)) = answer else { return Err(ConnectError::Absent) };
    match serde_json::from_slice::<ReplyLine>(&answer).map(|line| line.reply) {
        Ok(Reply::Hello(server)) if server.protocol == protocol::VERSION => Ok(server),
        Ok(Reply::Err(error)) => Err(error.into()),
        _ => Err(ApiError::new(ErrorCode::Usage, "the running agent answered the hello with something else")
            .hint("use the same coworker version for `serve` and for the command")
            .into()),
    }
}

fn is_absent(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
    )
}
