//! A server over an agent that is made up: it answers a few operations with fixed values.

use std::path::Path;
use std::time::Duration;

use coworker_api::protocol::{Limits, Party, ServerHello, VERSION};
use coworker_api::server::Server;
use coworker_api::{AgentHandle, ApiError, Backend, BoxFuture, CallObserver, Request, Update, socket_path};
use coworker_policy::{ErrorCode, PeerId, Text};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Longer than any step takes on a busy machine.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

pub(crate) struct MadeUp;

impl Backend for MadeUp {
    fn run_request(
        &self,
        request: Request,
        observer: CallObserver,
    ) -> BoxFuture<'_, Result<Value, ApiError>> {
        Box::pin(async move {
            let request = serde_json::to_value(&request).unwrap();
            match request["op"].as_str().unwrap() {
                "Ping" => Ok(json!({ "peer": peer(), "round_trip_ms": 1.5 })),
                "Call" => {
                    let id = "00000000-0000-4000-8000-000000000001".parse().unwrap();
                    let update = Update::Progress { id, percent: 50, note: Text::sanitized("half") };
                    observer.tell(update, &CancellationToken::new()).await;
                    observer.cancelled().await;
                    Err(ApiError::new(ErrorCode::Cancelled, "you cancelled the call"))
                }
                op => Err(ApiError::new(ErrorCode::NotConnected, format!("{op} is not made up"))
                    .suggest("see known peers", ["peers"])),
            }
        })
    }
}

pub(crate) fn peer() -> PeerId {
    PeerId::from_bytes([7; 32])
}

/// Serves [`MadeUp`] in a directory of its own until it is dropped.
pub(crate) struct Serving {
    pub(crate) dir: TempDir,
    stop: CancellationToken,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Serving {
    pub(crate) fn new(limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hello = ServerHello {
            protocol: VERSION,
            agent: peer(),
            name: "ada".parse().unwrap(),
            version: "0.1.0".to_owned(),
            party: Party::OWNER,
        };
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let listener = UnixListener::bind(socket_path(dir.path())).unwrap();
        let handle = AgentHandle::new(MadeUp);
        let server = Server::new(handle, hello, limits, dir.path().to_owned(), tasks, stop.clone());
        tokio::spawn(server.listen(listener));
        Self { dir, stop }
    }

    pub(crate) async fn raw(&self) -> Raw {
        Raw::connect(self.dir.path()).await
    }
}

/// A client that writes whatever a test tells it to.
pub(crate) struct Raw(BufReader<UnixStream>);

impl Raw {
    async fn connect(dir: &Path) -> Self {
        Self(BufReader::new(UnixStream::connect(socket_path(dir)).await.unwrap()))
    }

    pub(crate) async fn write(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.0.get_mut().write_all(line.as_bytes()).await.unwrap();
    }

    /// Writes bytes and ignores that the server may have closed.
    pub(crate) async fn push(&mut self, bytes: &[u8]) -> bool {
        self.0.get_mut().write_all(bytes).await.is_ok()
    }

    /// The next line, or `None` at the end of the connection.
    pub(crate) async fn read(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = tokio::time::timeout(BOUND, self.0.read_line(&mut line)).await;
        let read = read.expect("the server says something or closes").unwrap_or(0);
        (read > 0).then(|| line.trim_end().to_owned())
    }

    pub(crate) async fn hello(&mut self) {
        self.write(HELLO).await;
        assert!(self.read().await.unwrap().starts_with(r#"{"hello":"#));
    }
}

pub(crate) const HELLO: &str = r#"{"hello":{"protocol":1,"client":"test 1","as":"owner"}}"#;
