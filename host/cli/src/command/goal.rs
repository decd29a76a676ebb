use clap::{Args, ValueEnum};
use coworker_api::ApiError;
use coworker_api::ops::{GoalAnswer, GoalCancel, GoalInfo, GoalPhase, GoalShow};

use super::collaborate::watch;
use crate::context::{Context, now_ms};
use crate::print::{self, CODE, DIM, paint};
use crate::report::Report;

/// Show a goal with its steps, timings, outcome and cost; or answer, cancel or resume it
#[derive(Debug, Args)]
pub(crate) struct Goal {
    /// The goal's id, or the start of it; START@PEER names a goal of that peer
    id: String,

    /// The action; without one, show the goal
    #[arg(value_enum)]
    action: Option<Action>,

    /// With resume and --json: print a line for each step that changes, before the result
    #[arg(long)]
    stream: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Action {
    /// Take part in another agent's goal that waits for your answer
    Accept,
    /// Decline to take part
    Deny,
    /// Cancel one of your goals
    Cancel,
    /// Resume one of your goals and wait for its end
    Resume,
}

impl Goal {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let Self { id, action, stream } = self;
        let info = match action {
            None => context.ask(GoalShow { id }).await?,
            Some(Action::Accept) => context.ask(GoalAnswer { id, accept: true }).await?,
            Some(Action::Deny) => context.ask(GoalAnswer { id, accept: false }).await?,
            Some(Action::Cancel) => context.ask(GoalCancel { id }).await?,
            Some(Action::Resume) => {
                return context.with_session(async |session| watch(context, session, id, stream).await).await;
            }
        };
        Ok(Report::text(text(&info, context)).fields(&info))
    }
}

fn text(info: &GoalInfo, context: &Context) -> String {
    let id = info.id.to_string();
    let short = id.get(..8).unwrap_or(&id);
    let goal = |action| paint(CODE, &context.command(&format!("goal {short} {action}")));
    let next = match (info.state, info.owner.is_some()) {
        (GoalPhase::Asked, _) => {
            format!("\n\n{} {} {} {}", paint(DIM, "answer:"), goal("accept"), paint(DIM, "or"), goal("deny"))
        }
        (state, false) if state.is_open() => {
            format!(
                "\n\n{} {}{} {}",
                paint(DIM, "go on:"),
                goal("resume"),
                paint(DIM, "; give it up:"),
                goal("cancel")
            )
        }
        _ => String::new(),
    };
    print::goal(info, now_ms()) + &next
}
