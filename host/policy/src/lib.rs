//! The vocabulary of coworker and the gates that every call passes.
//!
//! This crate is pure: no async, no I/O, no clock, and none of the engines (wasmtime, iroh, openmls,
//! `SQLite`). Time, limits and the owner's decisions are passed in, so every decision is a function that
//! a table or a property can test.

mod capability;
mod card;
mod code;
mod contract;
mod digest;
pub mod gate;
mod grant;
mod group_id;
#[cfg(feature = "schemars")]
mod json_schema;
mod limits;
mod listing;
mod message;
mod name;
mod peer;
pub mod policy_file;
mod refusal;
mod request;
mod request_id;
mod skill;
mod terms;
mod text;
mod tier;
pub mod trust;
mod version;

pub use coworker_schema::SchemaError;

pub use capability::{Capability, Grants};
pub use card::{Card, CardError, Descriptor, list_hash};
pub use code::ErrorCode;
pub use contract::{Change, Contract, diff};
pub use digest::{Digest, DigestError};
pub use grant::{
    Effective, FileRule, Fix, Grant, GrantError, Granted, HttpRequest, HttpRule, Origin, PeerRule,
    SecretRule, StateAccess, is_public,
};
pub use group_id::{GroupId, GroupIdError};
pub use limits::{LimitKey, Limits, Max, Scope, Unit};
pub use listing::Listing;
pub use message::MessageKind;
pub use name::{AgentName, NameError, SkillName};
pub use peer::{PeerId, PeerIdError};
pub use policy_file::{PolicyFile, PolicyFileError};
pub use refusal::{PublicRefusal, Refusal};
pub use request::{Ask, Request, RequestError, suggested};
pub use request_id::{RequestId, RequestIdError};
pub use skill::Skill;
pub use terms::ComponentTerms;
pub use text::{Text, TextError};
pub use tier::{Tier, TierError};
pub use version::{VersionPin, VersionPinError};
