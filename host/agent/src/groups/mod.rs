//! Groups: their rows, the messages to their members, and the bounds on the work that others can cause. The rules of a
//! group are in the crate `channel`.
//!
//! Everything travels in the members' sessions, whose outboxes keep it for members that are away. All members read the
//! messages in one order: by the author's number, then by the author.

mod change;
mod join;
pub(crate) mod ours;
mod receive;
mod repair;
mod talk;
mod transaction;

pub(crate) use receive::{greet, receive};
pub(crate) use transaction::{GroupTransaction, KEEP_MESSAGES};
