//! Plain components: each exported function over values is a skill, and its types are its contract.
//!
//! Values cross as JSON. What stands for what is written in `schema` (the contract), `from_json` and
//! `to_json`; the three hold the same table, which authors find in `docs/skills.md`.

mod call;
mod contract;
mod docs;
mod from_json;
mod schema;
mod to_json;

pub(crate) use call::TypedPre;
pub use contract::Function;
pub(crate) use contract::functions;
pub(crate) use docs::SECTION as DOCS_SECTION;
