//! The tools that make skills: find a compiler or explain its absence, write the first files of a new skill with a copy
//! of the SDK, and read a SKILL.md. `coworker skill`, `coworker wrap` and `cargo xtask skills` use them.

mod compile;
mod library;
mod scaffold;
mod sdk;
pub mod skill_md;
mod toolchain;

pub use compile::{CompileError, Compiled, Job};
pub use scaffold::{File, scaffold};
pub use toolchain::{Machine, NoToolchain, Target, Toolchain};
