//! Compiles components in a child process.
//!
//! A file of half a kilobyte can keep the compiler busy for hours and fill the memory of the machine. In a child
//! process it can be limited and killed: the worker limits its own memory and processor time before it reads
//! the first byte, and the parent limits the time and the size of the result.

mod process;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

use wasmtime::Engine;

use crate::bad_component::BadComponent;

pub use worker::compile_worker;

/// Where components are compiled.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// In this process, without limits. For tests and benchmarks, whose components are harmless.
    #[default]
    InProcess,
    /// In a child of this process.
    Child(Worker),
}

/// The command line of a program that only runs [`compile_worker`].
#[derive(Clone, Debug)]
pub struct Worker {
    pub program: PathBuf,
    pub args: Vec<String>,
    /// The worker is killed after this time, including time that it waits for a processor.
    pub deadline: Duration,
}

impl Worker {
    /// One and a half times the worker's processor time.
    pub const DEADLINE: Duration = Duration::from_secs(90);

    pub fn new(program: impl Into<PathBuf>, args: impl IntoIterator<Item = &'static str>) -> Self {
        let args = args.into_iter().map(str::to_owned).collect();
        Self { program: program.into(), args, deadline: Self::DEADLINE }
    }
}

impl Compiler {
    /// Compiles `wasm` for `engine`. Blocks.
    pub(crate) fn compile(&self, engine: &Engine, wasm: &[u8]) -> Result<Vec<u8>, BadComponent> {
        match self {
            Self::InProcess => {
                engine.precompile_component(wasm).map_err(|error| BadComponent::Rejected(error.into()))
            }
            Self::Child(worker) => process::compile(worker, engine, wasm),
        }
    }
}

/// The first bytes of the worker's answer, with the version of its format.
const MAGIC: [u8; 8] = *b"cwcompl1";
/// Magic, compatibility of the engine, verdict, length of the rest.
const HEADER: usize = 8 + 8 + 1 + 8;
const COMPILED: u8 = 0;
const REJECTED: u8 = 1;

/// Largest compiled code of one component, in bytes. The largest known is 40 MB.
const MAX_CODE: u64 = 512 * 1024 * 1024;
/// Longest reason for which the compiler rejects a component, in bytes.
const MAX_REASON: usize = 4096;

fn header(engine: &Engine, verdict: u8, length: usize) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[8..16].copy_from_slice(&crate::engine::compatibility(engine).to_le_bytes());
    header[16] = verdict;
    header[17..].copy_from_slice(&(length as u64).to_le_bytes());
    header
}
