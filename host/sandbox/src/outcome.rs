use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use coworker_policy::{Capability, Digest, ErrorCode, Text};
use serde::Serialize;

use crate::Cause;
use crate::host_context::Bucket;
use crate::stopped::Stopped;

/// What became of one permitted call.
#[derive(Debug)]
pub struct Outcome {
    /// The guest's JSON text, unchecked, or why there is none.
    pub result: Result<String, Stopped>,
    pub usage: Usage,
    /// What the guest wrote to its log, stdout and stderr, up to the cap. The guest's words: show it escaped.
    pub log: String,
    /// What the guest asked for and this call does not hold, each thing once.
    pub denied: Vec<Denied>,
    /// What the guest wants remembered, each key once; nothing if there is no result. It is to be committed
    /// in one transaction with the call's answer, so that a call that is run again has its effect once.
    pub state: Vec<StateWrite>,
}

/// One write to what a component remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateWrite {
    pub bucket: Bucket,
    /// 1 to 256 bytes, the guest's choice.
    pub key: String,
    /// At most 64 KiB. None deletes the key.
    pub value: Option<Vec<u8>>,
}

/// What one call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Units of wasmtime fuel, roughly one per instruction.
    pub fuel: u64,
    /// Bytes of all linear memories together, at their largest.
    pub peak_memory: usize,
    /// From the call's arrival in the sandbox, waiting for a slot included.
    pub wall: Duration,
    /// Times the guest entered the host, to grow its memory or a table included.
    pub host_calls: u64,
    /// Bytes written to the log, those that were dropped over the cap included.
    pub log_bytes: usize,
    /// Bytes of parts of output and progress notes, those that nobody heard included.
    pub emitted_bytes: usize,
    /// Bytes of web requests and their answers together.
    pub egress_bytes: u64,
}

/// Something that the guest asked for and this call does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Denied {
    pub capability: Capability,
    /// The argument of a grant that would allow it, such as `GET https://host/path`; empty where a grant has
    /// none. The guest chose the words: they are escaped and at most [`Text::MAX`] long, and mean nothing more.
    pub what: String,
}

/// What one call was denied so far, shared by everything that can deny.
#[derive(Clone, Default)]
pub(crate) struct Denials(Arc<Mutex<Vec<Denied>>>);

impl Denials {
    /// A guest picks what it asks for, so only so many different things are kept.
    const MAX: usize = 16;

    pub(crate) fn note(&self, capability: Capability, what: &str) {
        let denied = Denied { capability, what: Text::sanitized(what).to_string() };
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < Self::MAX && !noted.contains(&denied) {
            noted.push(denied);
        }
    }

    pub(crate) fn list(&self) -> Vec<Denied> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Something of ours broke; the guest is not to blame.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("the component {0} is not loaded")]
    NotLoaded(Digest),
    #[error("the sandbox could not set up the call")]
    Engine(#[source] Cause),
}

/// Why a component's skills are not known.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    #[error("the component's `describe` did not finish")]
    Stopped(#[from] Stopped),
    #[error("the component could not be asked for its skills")]
    Fault(#[from] Fault),
}

/// The sandbox cannot exist on this machine, or not with this cache.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("the WebAssembly engine does not start")]
    Engine(#[source] Cause),
    #[error("the folder for compiled components cannot be used")]
    Cache(#[source] std::io::Error),
}

impl Fault {
    pub(crate) fn engine(error: wasmtime::Error) -> Self {
        Self::Engine(error.into())
    }
}

impl DescribeError {
    /// The code of a skill that does not describe itself, or of our own failure.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Stopped(_) => ErrorCode::BadComponent,
            Self::Fault(_) => ErrorCode::Internal,
        }
    }
}
