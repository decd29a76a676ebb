//! The gates, in the order in which a call meets them. Each takes what only the one before it can make:
//!
//! ```text
//! Call ─trust→ TrustedCall ─listing→ ListedCall ─version→ PinnedCall ─input→ CheckedCall ─grants→ Permit
//!                                                                        Outcome ─output→ CheckedOutput
//! ```
//!
//! `docs/gates.md` numbers every check, and the numbers stand in the code as `G01` and so on.

mod call;
mod expiry;
mod grants;
mod input;
mod listing;
mod message;
mod output;
mod rate;
mod trust;
mod version;

pub use call::{Call, Caller, Delegation};
pub use expiry::expiry;
pub use grants::{Permit, Pseudonym, grants};
pub use input::{CheckedCall, input};
pub use listing::{ListedCall, cards, listing};
pub use message::message;
pub use output::{CheckedNote, CheckedOutput, CheckedPart, CutNote, OutputTerms, StreamTerms};
pub use rate::{CallRate, Recent};
pub use trust::{Standing, TrustedCall, trust};
pub use version::{PinnedCall, version};
