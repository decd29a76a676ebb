#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod frames;
mod handshake;
mod messages;
mod party;
mod sealing;
