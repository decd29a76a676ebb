#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod crowd;
mod frames;
mod group_messages;
mod groups;
mod handshake;
mod ledger;
mod messages;
mod party;
mod receipts;
mod sealing;
mod simulation;
mod welcomes;
