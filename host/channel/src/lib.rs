//! What two agents say to each other, and how it is sealed: bytes in, bytes out.
//!
//! A [`Session`] is an MLS group of exactly two. Its caller owns the sockets and the transaction: every
//! function takes the storage to write to, and what it returns may be sent once that is committed. After
//! an error, or a rollback, the session in memory and the one in storage may differ: drop it and load it.

mod batch;
mod certificate;
mod error;
mod frame;
mod group;
mod identity;
mod message;
mod parameters;
pub mod receipt;
mod session;

pub use batch::{BadBatch, MAX_BATCH_BYTES, MAX_BATCH_MESSAGES};
pub use certificate::BadCertificate;
pub use error::{Cause, ChannelError, PeerFault};
pub use frame::{BadFrame, Frame, Hello, MAX_FRAME, MAX_HANDSHAKE_FRAME, Position, VERSION};
pub use group::{
    Applied, BadEntry, BadRoster, CommitFault, Committed, Group, GroupError, GroupFault, GroupMember,
    GroupName, GroupNameError, GroupOpened, GroupPosition, GroupRefusal, Held, Joiner, Ledger, LogEntry,
    LogHead, Logged, MAX_COMMIT, MAX_DEPUTIES, MAX_GROUP_BATCH, MAX_HELD, MAX_HELD_VIA, MAX_HISTORY,
    MAX_MEMBERS, MAX_SEALED, MAX_WELCOME, Received, Roster, Standing, Term, Ticket, Tools,
};
pub use identity::{Identity, Member};
pub use message::{
    BadMessage, Delegation, DirectCard, GoalOutcome, GoalStep, GroupNews, KNOCK, KeyResultCount,
    MAX_ADDRESSES, MAX_CARDS, MAX_KEY_RESULTS, MAX_MESSAGE, MAX_OFFER, MAX_SKILL, Message, MessageFault,
    PartOf, PlanNews,
};
#[cfg(feature = "memory")]
pub use openmls_memory_storage::MemoryStorage;
pub use parameters::Storage;
pub use session::{Opened, Session, SessionId};
