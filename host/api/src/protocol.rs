//! The lines of the local socket, protocol version 1. `docs/api.md` describes them.

use std::time::Duration;

use coworker_policy::{AgentName, ErrorCode, PeerId, Tier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ApiError;
use crate::request;
use crate::update::Update;

/// Version of the protocol.
pub const VERSION: u32 = 1;
/// Longest hello, in bytes.
pub(crate) const MAX_HELLO: usize = 64 * 1024;
/// Longest line either way, in bytes: the largest input or output, escaped.
pub const MAX_LINE: usize = 32 * 1024 * 1024;

/// Bounds of a listening socket.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections.
    pub connections: usize,
    /// Requests that run at once on one connection.
    pub requests: usize,
    /// Longest line, in bytes.
    pub line: usize,
    /// Time for the hello.
    pub hello: Duration,
    /// Time in which a client must take some bytes of a line.
    pub stalled: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            requests: 16,
            line: MAX_LINE,
            hello: Duration::from_secs(10),
            stalled: Duration::from_mins(1),
        }
    }
}

/// The client's first line is `{"hello": …}` with this in it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClientHello {
    /// Version of the protocol: 1.
    pub protocol: u32,
    /// Name and version of the program, such as `coworker-cli 0.1.0`. For logs only.
    pub client: String,
    /// The party that the connection speaks for. It cannot be changed later.
    #[serde(rename = "as")]
    pub party: Party,
}

/// The server's first line is `{"hello": …}` with this in it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ServerHello {
    pub protocol: u32,
    pub agent: PeerId,
    pub name: AgentName,
    /// Version of coworker.
    pub version: String,
    #[serde(rename = "as")]
    pub party: Party,
}

/// The party that a connection speaks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Party {
    Owner(OwnerWord),
    /// A restricted client. Reserved: this version refuses it.
    Client {
        client: String,
        tier: Tier,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OwnerWord {
    Owner,
}

impl Party {
    pub const OWNER: Self = Self::Owner(OwnerWord::Owner);
}

/// A line of the server after its hello.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReplyLine {
    /// The request's id. Absent from an error that concerns the connection, which then ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<u64>,
    #[serde(flatten)]
    pub(crate) reply: Reply,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reply {
    Hello(ServerHello),
    Update(Update),
    Ok(Value),
    Err(ApiError),
}

/// A line of the client after its hello.
#[derive(Debug)]
pub(crate) enum ClientLine {
    Run { id: u64, op: String, with: Value },
    Cancel { id: u64 },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: u64,
    op: Option<String>,
    #[serde(default = "request::no_arguments")]
    with: Value,
    #[serde(default)]
    cancel: bool,
}

impl ClientLine {
    pub(crate) fn read(line: &[u8]) -> Result<Self, ApiError> {
        let Written { id, op, with, cancel } = serde_json::from_slice(line).map_err(|error| bad(&error))?;
        match (op, cancel) {
            (Some(op), false) => Ok(Self::Run { id, op, with }),
            (None, true) => Ok(Self::Cancel { id }),
            _ => Err(bad(&"a request has `op` or `cancel`")),
        }
    }
}

fn bad(why: &dyn std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::Usage, format!("not a request: {why}"))
        .hint(r#"write {"id": NUMBER, "op": NAME, "with": {ARGUMENTS}} on one line"#)
}

/// Reads a client's first line. Refuses other versions and other parties.
pub(crate) fn read_hello(line: &[u8]) -> Result<ClientHello, ApiError> {
    let same = "use the same coworker version for `serve` and for the client";
    let usage = |message: String| ApiError::new(ErrorCode::Usage, message);
    let line: Value = serde_json::from_slice(line)
        .map_err(|error| usage(format!("the first line is not JSON: {error}")).hint("docs/api.md"))?;
    let Some(hello) = line.get("hello") else {
        return Err(usage(format!(
            "the first line is not a hello of protocol version {VERSION}; older clients send none"
        ))
        .hint(same));
    };
    let theirs = hello.get("protocol").and_then(Value::as_u64);
    if theirs != Some(VERSION.into()) {
        let theirs = theirs.map_or_else(|| "no version".to_owned(), |theirs| format!("version {theirs}"));
        let message = format!("the client speaks {theirs} of the protocol, this agent version {VERSION}");
        return Err(usage(message).hint(same));
    }
    let hello = ClientHello::deserialize(hello)
        .map_err(|error| usage(format!("the hello cannot be read: {error}")).hint("docs/api.md"))?;
    match hello.party {
        Party::Owner(_) => Ok(hello),
        Party::Client { .. } => {
            Err(usage("this version serves the owner only, no restricted clients".to_owned())
                .hint(r#"say "as": "owner""#))
        }
    }
}
