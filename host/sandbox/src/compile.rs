//! Compiles components in a process of its own.
//!
//! A file of half a kilobyte can keep the compiler busy for hours and fill the memory of the machine. So the
//! compiler runs where it can be bounded and killed: the worker limits itself before it reads the first byte,
//! and who asked limits how long it waits and how much it takes.

mod process;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

use wasmtime::Engine;

use crate::inspect::BadComponent;

pub use worker::compile_worker;

/// Where components are compiled.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// In this process, without bounds: for tests and benches, whose components mean no harm.
    #[default]
    InProcess,
    /// In a child of this process.
    Child(Worker),
}

/// A program that does nothing but [`compile_worker`].
#[derive(Clone, Debug)]
pub struct Worker {
    pub program: PathBuf,
    pub args: Vec<String>,
    /// When it is killed. Waiting for a processor counts.
    pub deadline: Duration,
}

impl Worker {
    /// Half as long again as the worker's processor time.
    pub const DEADLINE: Duration = Duration::from_secs(90);

    pub fn new(program: impl Into<PathBuf>, args: impl IntoIterator<Item = &'static str>) -> Self {
        let args = args.into_iter().map(str::to_owned).collect();
        Self { program: program.into(), args, deadline: Self::DEADLINE }
    }
}

impl Compiler {
    /// Compiled code for `engine`. Blocks until it is there.
    pub(crate) fn compile(&self, engine: &Engine, wasm: &[u8]) -> Result<Vec<u8>, BadComponent> {
        match self {
            Self::InProcess => {
                engine.precompile_component(wasm).map_err(|error| BadComponent::Rejected(error.into()))
            }
            Self::Child(worker) => process::compile(worker, engine, wasm),
        }
    }
}

/// Begins the worker's answer, and its version.
const MAGIC: [u8; 8] = *b"cwcompl1";
/// Magic, compatibility of the engine, verdict, length of what follows.
const HEADER: usize = 8 + 8 + 1 + 8;
const COMPILED: u8 = 0;
const REJECTED: u8 = 1;

/// Most compiled code of one component, in bytes; the largest known is 40 MB.
const MAX_CODE: u64 = 512 * 1024 * 1024;
/// Most of what the compiler says about a component that it rejects, in bytes.
const MAX_REASON: usize = 4096;

fn header(engine: &Engine, verdict: u8, length: usize) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[8..16].copy_from_slice(&crate::engine::compatibility(engine).to_le_bytes());
    header[16] = verdict;
    header[17..].copy_from_slice(&(length as u64).to_le_bytes());
    header
}
