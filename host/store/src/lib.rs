//! `SQLite`: schema, rows, queries.
//!
//! One [`Store`] per agent, used by one thread. Everything happens inside a [`Tx`], so that openmls's
//! rows (the ratchet) and ours (outbox, inbox, deduplication, audit) become durable together or not at
//! all. Times are milliseconds since the Unix epoch and are passed in.

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
pub use shown::Shown;
pub use skills::{Component, Installed};
pub use state::{StateChange, StateSize};
pub use store::{Store, Tx};
pub use tasks::{Inbound, InboundState, Outbound, OutboundState};
pub use trust::{Standing, TrustLogFilter, TrustLogRow, Trusted};
pub use trust_requests::TrustRequest;
