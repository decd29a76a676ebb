//! Plain components: each exported function over values is a skill, and its types are its contract.
//!
//! Values are passed as JSON. `schema` (the contract), `from_json` and `to_json` implement the same mapping,
//! which `docs/skills.md` documents for authors.

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
