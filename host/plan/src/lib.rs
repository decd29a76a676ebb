//! What several agents do for one goal: who runs which skill, in which order, with what as its input.
//!
//! This crate is pure: no async runtime, no I/O, no clock, no randomness. A [`Plan`] is data that a file, a model or
//! [a few words](plan_from_words) made; [`Plan::check`] alone turns it into a [`Checked`] one, which can be carried
//! out. A peer sees of it an [`Offer`]: its own steps.

mod agent;
mod bounded;
mod check;
mod checked;
mod draft;
mod goal;
#[cfg(feature = "schemars")]
mod json_schema;
mod lines;
mod model;
mod offer;
mod plan;
mod pointer;
mod problem;
mod reference;
mod shown;
mod template;
mod words;

pub use agent::{Agent, AgentError};
pub use checked::{Checked, InputError};
pub use goal::{Because, Goal, NoPlan, Planned, Planner};
pub use model::{ChatMessage, ChatRole, plan_with_model};
pub use offer::{CheckedOffer, Offer, OfferError, OfferStep};
pub use plan::{KeyResult, Plan, Step};
pub use pointer::{Pointer, PointerError};
pub use problem::{Fault, PlanError, Problem};
pub use reference::{Reference, Source};
pub use shown::{Showing, Shown};
pub use template::{Template, TemplateError};
pub use words::plan_from_words;
