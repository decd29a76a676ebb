use clap::Args;
use coworker_agent::OpError;
use coworker_agent::ops::{Discover, Discovered};
use coworker_policy::ErrorCode;

use crate::context::Context;
use crate::print::{self, CODE, DIM, paint};
use crate::report::Report;

/// What a peer shows you: its skills, what they take and what they answer
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// Its name, its id, or the start of its id
    peer: String,

    /// Only this skill
    skill: Option<String>,

    /// Give up after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 15.0)]
    timeout: f64,
}

impl Inspect {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, OpError> {
        let mut shown = context.ask(Discover { peer: self.peer.clone(), timeout: self.timeout }).await?;
        if let Some(skill) = &self.skill {
            shown.skills.retain(|card| card.name.as_str() == skill);
            if shown.skills.is_empty() {
                return Err(OpError::new(
                    ErrorCode::UnknownSkill,
                    "the peer shows you no skill of that name",
                )
                .hint(format!("see what it shows: {}", context.command(&format!("inspect {}", self.peer)))));
            }
        }
        Ok(Report::text(text(&shown, &self.peer, context)).fields(&shown))
    }
}

fn text(shown: &Discovered, typed: &str, context: &Context) -> String {
    if shown.skills.is_empty() {
        let ask = paint(CODE, &context.command(&format!("trust ask {} known", print::plain(typed))));
        return format!("It shows you no skill.\n{} {ask}", paint(DIM, "ask for trust:"));
    }
    shown.skills.iter().map(print::full).collect::<Vec<_>>().join("\n\n")
}
