//! Runs a SKILL.md that was packed with it. Its contract, its instructions and its files are assets; what a
//! caller sends is data for the model, never a part of the instructions.
//!
//! All that needs no host is in [`conversation`] and [`answer`], and is tested natively.

pub mod answer;
pub mod conversation;
#[cfg(target_family = "wasm")]
mod packed;
#[cfg(target_family = "wasm")]
mod skill;
