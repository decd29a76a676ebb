use coworker_policy::Digest;

use crate::Cause;

/// A failure of the host. The guest did not cause it.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("the component {0} is not loaded")]
    NotLoaded(Digest),
    #[error("the sandbox could not set up the call")]
    Engine(#[source] Cause),
}

/// The sandbox cannot run on this machine, or not with this cache.
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
