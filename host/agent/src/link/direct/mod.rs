//! Direct ways to peers: telling them ours, keeping theirs, and moving a session to one.
//!
//! A card names our addresses, so it is told only to accepted peers: those with a tier above UNTRUSTED, and those that
//! the owner connected to by its own act and has not judged since. Everything follows from the rows on disk by one
//! function, `Links::review_direct`, which runs again whenever something may have changed.

mod card;
mod moving;
mod progress;
mod review;

pub(super) use progress::Direct;
