use coworker_policy::{ErrorCode, Refusal, Text};
use wasmtime::{PoolConcurrencyLimitError, Trap};

use crate::bindings::coworker::skill::types;
use crate::fault::Fault;
use crate::meter::{HostCallLimitReached, Meter};

/// Why a call has no result: the guest failed, reached a limit, or was cancelled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    #[error("the skill answered with an error: {0}")]
    Skill(SkillError),
    /// The input fits the schema but not the skill's types, which are narrower. The caller gets this text.
    #[error("the input does not fit: {0}")]
    Input(String),
    #[error("the skill's result holds NaN or an infinity, which JSON cannot express")]
    NotJson,
    /// The text names functions of the guest, so it is for the owner only.
    #[error("the skill crashed: {0}")]
    Trap(String),
    #[error("the skill used up its {max} units of fuel")]
    OutOfFuel { max: u64 },
    #[error("the skill was still running when its time was up")]
    Deadline,
    #[error("the skill needs more than its {max} bytes of memory")]
    OutOfMemory { max: usize },
    #[error("the skill calls itself too deeply")]
    StackOverflow,
    #[error("the skill called the host more than {max} times")]
    HostCalls { max: u64 },
    #[error("the skill handed over more than {max} bytes at once")]
    Transfer { max: usize },
    #[error("the skill's result has {size} bytes, more than the {max} that this caller may receive")]
    OutputTooLarge { size: usize, max: usize },
    /// The gate refused a part of the output that the skill sent before its result.
    #[error("the skill sent a part of its output that may not leave")]
    Emitted(#[source] Refusal),
    #[error("the call was cancelled")]
    Cancelled,
}

/// An error that the guest itself returned. It chose the texts, and they are meant for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SkillError {
    #[error("invalid input: {0}")]
    InvalidInput(String),
    #[error("denied: {0}")]
    Denied(String),
    #[error("unavailable: {0}")]
    Unavailable(String),
    #[error("cancelled")]
    Cancelled,
    #[error("out of time")]
    Deadline,
    #[error("{0}")]
    Other(String),
}

impl Stopped {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Emitted(refusal) => refusal.public().code(),
            Self::Skill(SkillError::InvalidInput(_)) | Self::Input(_) => ErrorCode::InvalidInput,
            Self::Skill(SkillError::Cancelled) | Self::Cancelled => ErrorCode::Cancelled,
            Self::Skill(SkillError::Deadline) | Self::Deadline => ErrorCode::Deadline,
            Self::Skill(_) | Self::NotJson | Self::Trap(_) => ErrorCode::SkillFailed,
            Self::OutOfFuel { .. }
            | Self::OutOfMemory { .. }
            | Self::StackOverflow
            | Self::HostCalls { .. }
            | Self::Transfer { .. }
            | Self::OutputTooLarge { .. } => ErrorCode::LimitExceeded,
        }
    }

    /// The text for the caller: the skill's own message, sanitised, and only the kind of any other failure.
    pub fn public(&self) -> Text {
        match self {
            Self::Skill(error) => Text::sanitized(&error.to_string()),
            Self::Input(text) => Text::sanitized(&format!("invalid input: {text}")),
            Self::NotJson | Self::Trap(_) => Text::sanitized("the skill failed"),
            Self::Deadline => Text::sanitized("the skill took too long"),
            Self::Cancelled => Text::sanitized("the call was cancelled"),
            Self::Emitted(refusal) => Text::sanitized(refusal.public().message()),
            Self::OutputTooLarge { size, max } => {
                let refusal = Refusal::OutputTooLarge { size: *size, max: *max };
                Text::sanitized(refusal.public().message())
            }
            _ => Text::sanitized("the skill needs more than this caller's calls may use"),
        }
    }
}

impl From<types::SkillError> for SkillError {
    fn from(error: types::SkillError) -> Self {
        match error {
            types::SkillError::InvalidInput(text) => Self::InvalidInput(text),
            types::SkillError::Denied(text) => Self::Denied(text),
            types::SkillError::Unavailable(text) => Self::Unavailable(text),
            types::SkillError::Cancelled => Self::Cancelled,
            types::SkillError::Deadline => Self::Deadline,
            types::SkillError::Other(text) => Self::Other(text),
        }
    }
}

/// Classifies the engine's error of a call. `transfer` is the limit of bytes in one host call.
pub(crate) fn classify(error: &wasmtime::Error, meter: &Meter, transfer: usize) -> Result<Stopped, Fault> {
    let limits = meter.limits();
    let trap = error.downcast_ref::<Trap>();
    Ok(match trap {
        Some(Trap::OutOfFuel) => Stopped::OutOfFuel { max: limits.fuel },
        Some(Trap::StackOverflow) => Stopped::StackOverflow,
        _ if let Some(refusal) = error.downcast_ref::<Refusal>() => Stopped::Emitted(refusal.clone()),
        _ if error.is::<HostCallLimitReached>() => Stopped::HostCalls { max: limits.host_calls },
        _ if error.is::<PoolConcurrencyLimitError>() => return Err(Fault::Engine(text(error).into())),
        _ if is_transfer(error) => Stopped::Transfer { max: transfer },
        // Most languages abort when their allocator gets no memory.
        None | Some(Trap::UnreachableCodeReached) if meter.refused_memory() => {
            Stopped::OutOfMemory { max: limits.memory_bytes }
        }
        _ => Stopped::Trap(text(error)),
    })
}

/// The engine does not export this error's type, so its text is compared. A test fails if the text changes.
fn is_transfer(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls has been exhausted")
}

/// The error with its chain of causes. A guest chooses the names in a backtrace, so the text is bounded.
fn text(error: &wasmtime::Error) -> String {
    Text::sanitized(&format!("{error:#}")).to_string()
}
