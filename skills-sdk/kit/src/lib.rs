//! What makes a skill out of Rust sources: a compiler that is found or whose absence is explained, the
//! sources of the SDK, and the first files of a new skill. `coworker skill` and `cargo xtask skills` stand on it.

mod compile;
mod library;
mod scaffold;
mod sdk;
pub mod skill_md;
mod toolchain;

pub use compile::{CompileError, Compiled, Job};
pub use scaffold::{File, scaffold};
pub use toolchain::{Machine, NoToolchain, Target, Toolchain};
