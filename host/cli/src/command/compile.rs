//! The process in which components are compiled: this program, started by itself.

use clap::Args;
use coworker_agent::{Compiler, Worker, compile_worker};
use coworker_api::ApiError;

use crate::report::Report;

pub(crate) const NAME: &str = "__compile";

/// Compile the component on standard input to standard output
#[derive(Debug, Args)]
pub(crate) struct Compile {}

impl Compile {
    /// No data directory, no logs, no runtime: nothing but the compiler.
    #[expect(clippy::unused_self, reason = "every command runs the same way")]
    pub(crate) fn run(self) -> Result<Report, ApiError> {
        compile_worker().map(|()| Report::silent()).map_err(|error| ApiError::fault(&error))
    }
}

/// Has components compiled by this very program.
pub(crate) fn compiler() -> Result<Compiler, ApiError> {
    // The program that runs, also after its file was replaced by another version.
    let program = if cfg!(target_os = "linux") {
        "/proc/self/exe".into()
    } else {
        std::env::current_exe().map_err(|error| ApiError::fault(&error))?
    };
    Ok(Compiler::Child(Worker::new(program, [NAME])))
}
