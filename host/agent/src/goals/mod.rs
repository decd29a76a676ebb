//! Goals: work that several agents do together, by a plan.
//!
//! The agent that owns a goal holds the plan and sends each step as an ordinary task; the others hold an offer with their
//! own steps. The state of a goal is in the database alone: [`advance`] moves it on from there, one transaction at a
//! time, so that a process may end at any point and the next one goes on.

mod advance;
mod begin;
mod course;
mod drive;
mod ending;
mod limits;
mod messages;
mod offer_text;
mod offers;
pub(crate) mod ours;
mod own;
mod parties;
mod planner;
mod receive;
mod served;
mod shares;
mod telling;

pub(crate) use begin::{Begin, begin};
pub(crate) use drive::{deliver, resume_all, start};
pub(crate) use ending::{cancel, end_overdue};
pub(crate) use limits::KEEP_MS;
pub(crate) use offer_text::read as read_offer;
pub(crate) use offers::answer;
pub(crate) use planner::{Made, plan};
pub(crate) use receive::{received, refused};
pub(crate) use served::counts;
