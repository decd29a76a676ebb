//! The child's side: limits itself, compiles standard input to standard output, and exits.

use std::io::{self, Read as _, Write as _};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{COMPILED, MAX_REASON, REJECTED, header};
use crate::bad_component::MAX_COMPONENT;
use crate::engine::compiling_engine;

/// Address space, in bytes. The largest known component needs a fifth of it.
const MEMORY: u64 = 2 * 1024 * 1024 * 1024;
/// Seconds on all processors together. The system kills the process one second later.
const PROCESSOR: u64 = 60;
/// Standard input, output and error, and the files that describe the machine to the runtime.
const OPEN_FILES: u64 = 16;

/// Compiles the component on standard input to standard output, for a parent process that started this program
/// as its [`Worker`](super::Worker).
///
/// Limits the whole process for good, so the process must do nothing else: it cannot write files any more, and
/// its memory and processor time are limited. A component that needs more ends the process.
pub fn compile_worker() -> io::Result<()> {
    bound()?;
    let mut wasm = Vec::new();
    io::stdin().take(MAX_COMPONENT as u64 + 1).read_to_end(&mut wasm)?;
    let engine = compiling_engine().map_err(io::Error::other)?;
    let (verdict, answer) = match engine.precompile_component(&wasm) {
        Ok(code) => (COMPILED, code),
        Err(error) => (REJECTED, shortened(format!("{error:#}"))),
    };
    let mut out = io::stdout().lock();
    out.write_all(&header(&engine, verdict, answer.len()))?;
    out.write_all(&answer)?;
    out.flush()
}

fn shortened(mut reason: String) -> Vec<u8> {
    reason.truncate(reason.floor_char_boundary(MAX_REASON));
    reason.into_bytes()
}

fn bound() -> io::Result<()> {
    // Without a parent, the answer has no reader.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    limit(Resource::Core, 0, 0)?;
    limit(Resource::Fsize, 0, 0)?;
    limit(Resource::Nofile, OPEN_FILES, OPEN_FILES)?;
    limit(Resource::Cpu, PROCESSOR, PROCESSOR + 1)?;
    limit(Resource::As, MEMORY, MEMORY)
}

/// Sets a limit that this process cannot raise again. Keeps an existing tighter one.
fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let limit = Rlimit { current: Some(soft.min(most)), maximum: Some(hard.min(most)) };
    Ok(setrlimit(resource, limit)?)
}
