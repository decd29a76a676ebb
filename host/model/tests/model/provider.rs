//! A scripted provider: it performs one act of the test's script for each request.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use coworker_model::{ChatRequest, Endpoint, Message, Options, Role, Settings, Timeouts};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const KEY: &str = "sk-0f-the-owner-71d2";

/// The provider's reaction to one request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Sends these bytes and closes the connection.
    Say(Vec<u8>),
    /// Sends these bytes and keeps the connection open, silent for longer than any timeout.
    Stall(Vec<u8>),
    /// Sends the first bytes, then the second ones again and again until the connection closes.
    Endless(Vec<u8>, Vec<u8>),
    /// Closes the connection without an answer.
    HangUp,
}

/// One request that arrived.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Value,
}

pub(crate) struct Provider {
    pub(crate) at: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Provider {
    /// Repeats the last act for all further requests.
    pub(crate) async fn plays(acts: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (at, received) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Received>>>::default());
        let mut acts: VecDeque<Act> = acts.into_iter().collect();
        let log = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let act = if acts.len() > 1 { acts.pop_front() } else { acts.front().cloned() };
                tokio::spawn(serve(socket, act.unwrap(), Arc::clone(&log)));
            }
        });
        Self { at, received }
    }

    /// A provider whose port is closed.
    pub(crate) async fn gone() -> Self {
        let at = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        Self { at, received: Arc::default() }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        self.endpoint_with(quick())
    }

    pub(crate) fn endpoint_with(&self, timeout: Timeouts) -> Endpoint {
        Endpoint::new(Settings {
            base_url: format!("http://{}/v1", self.at).parse().unwrap(),
            model: "tiny".to_owned(),
            key: Some(KEY.parse().unwrap()),
            timeout,
        })
        .unwrap()
    }
}

/// Short pauses between retries, because the sockets and so the clock are real.
pub(crate) fn quick() -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(5),
        first_byte: Duration::from_secs(5),
        between: Duration::from_secs(5),
        whole: Duration::from_secs(20),
        retries: 2,
        pause: Duration::from_millis(2),
        longest_pause: Duration::from_millis(300),
    }
}

async fn serve(mut socket: TcpStream, act: Act, received: Arc<Mutex<Vec<Received>>>) {
    let Some(request) = read(&mut socket).await else { return };
    received.lock().unwrap().push(request);
    let (first, again) = match act {
        Act::Say(bytes) => return drop(socket.write_all(&bytes).await),
        Act::HangUp => return,
        Act::Stall(bytes) => (bytes, None),
        Act::Endless(bytes, piece) => (bytes, Some(piece)),
    };
    let _ = socket.write_all(&first).await;
    match again {
        Some(piece) => while socket.write_all(&piece).await.is_ok() {},
        None => tokio::time::sleep(Duration::from_mins(10)).await,
    }
}

async fn read(socket: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    let length: usize = length.parse().unwrap();
    while bytes.len() < end + length {
        socket.read_buf(&mut bytes).await.ok()?;
    }
    Some(Received { head, body: serde_json::from_slice(&bytes[end..]).unwrap() })
}

pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Say(
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
            .into_bytes(),
    )
}

/// A whole answer.
pub(crate) fn good(text: &str) -> Act {
    let text = Value::from(text);
    let body = format!(
        r#"{{"choices":[{{"index":0,"message":{{"role":"assistant","content":{text}}},"finish_reason":"stop"}}],
           "usage":{{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}}}"#
    );
    answer("200 OK", "content-type: application/json\r\n", &body)
}

/// The head of a streamed response and its first events.
pub(crate) fn stream(events: &[&str]) -> Vec<u8> {
    let head =
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n";
    let mut bytes = head.as_bytes().to_vec();
    for event in events {
        bytes.extend(format!("data: {event}\n\n").bytes());
    }
    bytes
}

/// An event that adds to the text.
pub(crate) fn chunk(text: &str) -> String {
    format!(
        r#"{{"choices":[{{"index":0,"delta":{{"content":{}}},"finish_reason":null}}]}}"#,
        Value::from(text)
    )
}

pub(crate) const END: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
pub(crate) const USED: &str = r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}"#;
pub(crate) const DONE: &str = "[DONE]";

pub(crate) fn messages() -> [Message; 2] {
    [Message::new(Role::System, "be brief"), Message::new(Role::User, "hello?")]
}

pub(crate) fn request(messages: &[Message]) -> ChatRequest<'_> {
    ChatRequest { messages, options: Options::default() }
}
