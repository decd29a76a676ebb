//! Runs the SKILL.md that it was packed with. The contract, the instructions and the files are assets. A caller's
//! input is data for the model, never a part of the instructions.
//!
//! The modules [`conversation`] and [`answer`] need no host, so they are tested natively.

pub mod answer;
pub mod conversation;
#[cfg(target_family = "wasm")]
mod packed;
#[cfg(target_family = "wasm")]
mod skill;
