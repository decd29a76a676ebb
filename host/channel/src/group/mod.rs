//! Group conversations: an MLS group in which one member, the steward, orders the commits.
//!
//! A commit is valid if the steward's signed log contains it ([`LogEntry`](crate::LogEntry)). Each entry names
//! the entry before it and the epoch that its commit ends. So all members apply the same commits in the same
//! order, a member that was offline replays the log, and a member that diverged detects it ([`SyncState`]).
//!
//! As with sessions, send the result of a function only after its storage and ledger are committed. After an
//! error or a rollback, drop the group in memory and load it again.

mod apply;
mod commit;
mod error;
mod join;
mod ledger;
mod position;
mod roster;
mod rules;
mod seal;
mod settings;
mod state;

pub use apply::Applied;
pub use commit::{Committed, Joiner};
pub use error::{CommitFault, GroupError, GroupFault, GroupRefusal};
pub use join::Ticket;
pub use ledger::{Held, Ledger};
pub use position::{MAX_HISTORY, SyncState};
pub use roster::{BadRoster, Roster};
pub use seal::{GroupOpened, MAX_HELD, MAX_HELD_VIA, Received};
pub use state::{Backend, Group, GroupMember};
