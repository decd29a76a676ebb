use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{GoalBrief, GoalList, GoalPhase};

use crate::context::{Context, now_ms};
use crate::print::{self, CODE, Cell, DIM, Table, ago, paint};
use crate::report::Report;

/// List your goals and the goals that you take part in: open ones and those that ended today
#[derive(Debug, Args)]
pub(crate) struct Goals {
    /// Include older ones
    #[arg(long)]
    all: bool,
}

impl Goals {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let goals = context.ask(GoalList { all: self.all }).await?;
        let text = match goals.iter().find(|goal| goal.state == GoalPhase::Asked) {
            _ if goals.is_empty() => nothing(context),
            None => table(&goals, now_ms()),
            Some(asked) => format!("{}\n{}", table(&goals, now_ms()), answer(asked, context)),
        };
        Ok(Report::text(text).field("goals", &goals))
    }
}

fn nothing(context: &Context) -> String {
    let begin = paint(CODE, &context.command("collaborate PEER \"what you want\""));
    format!("No goals.\n{} {begin}", paint(DIM, "begin one:"))
}

fn table(goals: &[GoalBrief], now: i64) -> String {
    let mut table = Table::new(&["ID", "WHOSE", "GOAL", "STATE", "STEPS", "BEGUN"]);
    for goal in goals {
        let whose = match (&goal.owner, &goal.owner_name) {
            (None, _) => "yours".to_owned(),
            (Some(_), Some(name)) => name.to_string(),
            (Some(peer), None) => peer.short(),
        };
        let id = goal.id.to_string();
        table.row([
            Cell::new(id.get(..8).unwrap_or(&id)),
            Cell::bold(whose),
            Cell::new(print::short(goal.objective.as_str(), 48)),
            Cell::new(goal.state.name()),
            Cell::new(format!("{}/{}", goal.done, goal.of)),
            Cell::dim(ago(now, goal.at_ms)),
        ]);
    }
    table.to_string()
}

fn answer(asked: &GoalBrief, context: &Context) -> String {
    let id = asked.id.to_string();
    let goal =
        |action| paint(CODE, &context.command(&format!("goal {} {action}", id.get(..8).unwrap_or(&id))));
    format!("\n{} {} {} {}", paint(DIM, "answer:"), goal("accept"), paint(DIM, "or"), goal("deny"))
}
