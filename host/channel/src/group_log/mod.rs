//! The log that orders a group's commits: its entries, the terms of its stewards, and a member's position in it.
//!
//! These values travel in messages, so this module knows neither MLS nor messages.

mod entry;
mod position;
mod term;

pub(crate) use entry::Place;
pub use entry::{BadEntry, LogEntry, LogHead, Logged};
pub use position::GroupPosition;
pub use term::Term;
