//! Plans for a goal of several agents: the agent, skill, order and input of each step.
//!
//! This crate is pure: no async runtime, no I/O, no clock, no randomness. A [`Plan`] is unchecked data from a file, a
//! model or [the words of the goal](plan_from_words). Only [`Plan::check`] turns it into a [`Checked`] plan, which can
//! be carried out. Each peer gets an [`Offer`], which holds that peer's own steps and nothing else.

mod agent;
mod bounded;
mod brief;
mod check;
mod goal;
#[cfg(feature = "schemars")]
mod json_schema;
mod lines;
mod model;
mod offer;
mod order;
mod plan;
mod plan_file;
mod pointer;
mod problem;
mod reference;
mod template;
mod visible;
mod words;

pub use agent::{Agent, AgentError};
pub use check::{Checked, InputError};
pub use goal::{Because, Goal, NoPlan, Planned, Planner};
pub use model::{ChatMessage, ChatRole, plan_with_model};
pub use offer::{CheckedOffer, Offer, OfferError, OfferStep};
pub use plan::{KeyResult, Plan, Step};
pub use pointer::{Pointer, PointerError};
pub use problem::{PlanError, Problem, StepProblem};
pub use reference::{Reference, Source};
pub use template::{Template, TemplateError};
pub use visible::{AgentSkills, VisibleSkills};
pub use words::plan_from_words;
