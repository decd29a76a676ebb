//! The messages between two agents and their encryption: bytes in, bytes out.
//!
//! A [`Session`] is an MLS group of exactly two. The caller owns the sockets and the transaction. Every function
//! takes the storage to write to, and its result may be sent only after that storage is committed. After an error
//! or a rollback the session in memory may differ from the stored one: drop it and load it again.

mod batch;
mod certificate;
mod error;
mod fields;
mod frame;
mod group;
mod group_log;
mod group_name;
mod identity;
mod limits;
mod message;
mod mls;
mod parameters;
pub mod receipt;
mod session;

pub use batch::BadBatch;
pub use certificate::BadCertificate;
pub use error::{Cause, ChannelError, PeerFault};
pub use frame::{BadFrame, Frame, Hello, Position, VERSION};
pub use group::{
    Applied, Backend, BadRoster, CommitFault, Committed, Group, GroupError, GroupFault, GroupMember,
    GroupOpened, GroupRefusal, Held, Joiner, Ledger, MAX_HELD, MAX_HELD_VIA, MAX_HISTORY, Received, Roster,
    SyncState, Ticket,
};
pub use group_log::{BadEntry, GroupPosition, LogEntry, LogHead, Logged, Term};
pub use group_name::{GroupName, GroupNameError};
pub use identity::{Identity, Member};
pub use limits::{
    MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_COMMIT, MAX_DEPUTIES, MAX_FRAME, MAX_GROUP_BATCH,
    MAX_HANDSHAKE_FRAME, MAX_MEMBERS, MAX_MESSAGE, MAX_SEALED, MAX_WELCOME,
};
pub use message::{
    ADMISSION_TOKEN_BYTES, BadMessage, Delegation, DirectCard, GoalOutcome, GoalStep, GroupNews,
    KeyResultCount, MAX_ADDRESSES, MAX_CARDS, MAX_KEY_RESULTS, MAX_OFFER, MAX_SKILL, Message, MessageFault,
    PartOf, PlanNews,
};
#[cfg(feature = "memory")]
pub use openmls_memory_storage::MemoryStorage;
pub use parameters::Storage;
pub use session::{Opened, Session, SessionId};
