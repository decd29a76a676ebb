//! The gates, in the order in which a call passes them. Each takes a value that only the gate before it can make:
//!
//! ```text
//! Call ─trust→ TrustedCall ─listing→ ListedCall ─version→ PinnedCall ─input→ CheckedCall ─grants→ GrantedCall
//!      ─disclosure→ OwnerOnlyCall or LeavingCall + watch → Permit
//!                                                          Outcome ─output→ CheckedOutput
//! ```
//!
//! `docs/gates.md` numbers every check; comments in the code repeat the numbers: `G01` and so on.

mod call;
mod disclosure;
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
pub use disclosure::{Disclosure, LeavingCall, OwnerOnlyCall, Permit, Recipients, disclosure};
pub use expiry::expiry;
pub use grants::{GrantedCall, Pseudonym, grants};
pub use input::{CheckedCall, input};
pub use listing::{ListedCall, cards, listing};
pub use message::message;
pub use output::{CheckedNote, CheckedOutput, CheckedPart, CutNote, OutputTerms, StreamTerms};
pub use rate::{CallRate, RecentCalls};
pub use trust::{CallerState, TrustedCall, trust};
pub use version::{PinnedCall, version};
