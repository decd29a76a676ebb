#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod frames;
mod handshake;
mod messages;
mod party;
mod receipts;
mod sealing;
