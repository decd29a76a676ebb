//! The agent's `SQLite` database: schema, rows and queries.
//!
//! An agent has one [`Store`], used by one thread. Every read and write happens in a transaction, [`Tx`], so that the
//! rows of openmls (the ratchet) and those of this crate (outbox, inbox, deduplication, audit log) become durable
//! together or not at all.
//!
//! Columns and fields that end in `_ms` are milliseconds since the Unix epoch, unless they say that they are a
//! duration. The caller passes the current time in.

mod audit;
mod disclosed;
mod error;
mod goals;
mod groups;
mod invites;
mod migrate;
mod mls;
mod model_spent;
mod outbox;
mod peers;
mod receipts;
mod requests;
mod row;
mod secrets;
mod sessions;
mod shown;
mod skills;
mod state;
mod store;
mod tasks;
mod trust;
mod trust_requests;

pub use audit::{AuditBroken, AuditFilter, AuditHead, AuditHeadError, AuditRow, AuditVerified, NewAudit};
pub use error::StoreError;
pub use goals::{
    Goal, GoalParty, GoalShare, GoalShareState, GoalState, GoalStep, PartyState, ServedStep, StepState,
};
pub use groups::{GroupInviteRow, GroupMessageRow, GroupRow, GroupTicketRow, HeldRow, LogRow, Owed};
pub use invites::Invite;
pub use mls::{Json, MlsStorage};
pub use model_spent::{ModelAccount, ModelSpent};
pub use peers::{DirectRow, Peer};
pub use receipts::{ReceiptFilter, ReceiptRole, ReceiptRow, ReceiptState};
pub use requests::{Direction, TaskFilter, TaskRow};
pub use sessions::SessionRow;
pub use shown::ShownCards;
pub use skills::{Component, Installed};
pub use state::{StateChange, StateSize};
pub use store::{Store, Tx};
pub use tasks::{Inbound, InboundState, Outbound, OutboundState};
pub use trust::{TrustLogFilter, TrustLogRow, TrustRow, Trusted};
pub use trust_requests::TrustRequest;
