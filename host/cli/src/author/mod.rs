//! The author's tools before a skill is installed: its project, its one file, its example cases.
//!
//! Nothing here touches the agent of who types: components are looked at and run by an agent of their own, in
//! a folder that goes afterwards.

mod build;
mod cases;
mod compile;
mod difference;
mod explained;
mod project;
mod skill_md;
mod trial;
mod verdict;

pub(crate) use build::{Built, build};
pub(crate) use cases::Examples;
pub(crate) use coworker_kit::skill_md::PACKED;
pub(crate) use difference::Difference;
pub(crate) use project::{Project, component_of, newer_source};
pub(crate) use skill_md::{Wrapped, skill_md, skill_mds};
pub(crate) use trial::Trial;
pub(crate) use verdict::{Call, Verdict, judge};
