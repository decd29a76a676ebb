use std::time::Duration;

use coworker_policy::{Capability, ErrorCode};
use serde::Serialize;

use crate::fault::Fault;
use crate::host_context::Bucket;
use crate::stopped::Stopped;

/// The outcome of one permitted call.
#[derive(Debug)]
pub struct Outcome {
    /// The guest's JSON text, not checked yet, or the reason why there is none.
    pub result: Result<String, Stopped>,
    pub usage: Usage,
    /// The guest's log, stdout and stderr, up to the cap. Untrusted: show it escaped.
    pub log: String,
    /// Accesses that this call was denied, each listed once.
    pub denied: Vec<Denied>,
    /// The guest's writes to its state, at most one per key; empty if there is no result. They must be
    /// committed in one transaction with the call's answer, so that a call that runs twice takes effect once.
    pub state: Vec<StateWrite>,
}

/// One write to a component's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateWrite {
    pub bucket: Bucket,
    /// 1 to 256 bytes, chosen by the guest.
    pub key: String,
    /// At most 64 KiB. `None` deletes the key.
    pub value: Option<Vec<u8>>,
}

/// The resources that one call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Units of wasmtime fuel, roughly one per instruction.
    pub fuel: u64,
    /// Largest size of all linear memories together, in bytes.
    pub peak_memory: usize,
    /// Since the call arrived in the sandbox, including the wait for a slot.
    pub wall: Duration,
    /// Times the guest entered the host, including growth of its memory or a table.
    pub host_calls: u64,
    /// Bytes written to the log, including those dropped over the cap.
    pub log_bytes: usize,
    /// Bytes of output parts and progress notes, including those that had no receiver.
    pub emitted_bytes: usize,
    /// Bytes of web requests and their responses together.
    pub egress_bytes: u64,
}

/// An access that this call was denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Denied {
    pub capability: Capability,
    /// The argument of a grant that would allow it, such as `GET https://host/path`; empty if the grant takes
    /// none. The guest chose the words, so they are escaped and at most
    /// [`Text::MAX`](coworker_policy::Text::MAX) long. They prove nothing.
    pub what: String,
}

/// Why a component could not describe its skills.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    #[error("the component's `describe` did not finish")]
    Stopped(#[from] Stopped),
    #[error("the component's `describe` could not be run")]
    Fault(#[from] Fault),
}

impl DescribeError {
    /// `BAD_COMPONENT` if the guest failed, `INTERNAL` if the host did.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Stopped(_) => ErrorCode::BadComponent,
            Self::Fault(_) => ErrorCode::Internal,
        }
    }
}
