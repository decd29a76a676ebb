use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{self, TaskInfo, TaskState};

use crate::context::{Context, now_ms};
use crate::print::{self, CODE, Cell, DIM, Table, ago, paint};
use crate::report::Report;

/// List requests to and from peers: open ones and those that ended today
#[derive(Debug, Args)]
pub(crate) struct Tasks {
    /// Show only those with this peer
    #[arg(long, value_name = "PEER")]
    peer: Option<String>,

    /// Include older ones
    #[arg(long)]
    all: bool,
}

impl Tasks {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let tasks = context.ask(ops::Tasks { peer: self.peer, all: self.all }).await?;
        let text = if tasks.is_empty() { nothing(context) } else { table(&tasks, now_ms()) };
        Ok(Report::text(text).field("tasks", &tasks))
    }
}

fn nothing(context: &Context) -> String {
    let ask = paint(CODE, &context.command("request PEER SKILL '{…}'"));
    format!("No tasks.\n{} {ask}", paint(DIM, "ask for something and come back later:"))
}

fn table(tasks: &[TaskInfo], now: i64) -> String {
    let mut table = Table::new(&["ID", "", "PEER", "SKILL", "STATE", "ASKED", "ANSWERED"]);
    for task in tasks {
        let peer = task.peer_name.as_ref().map_or_else(|| task.peer.short(), ToString::to_string);
        table.row([
            Cell::new(task.id.get(..8).unwrap_or(&task.id)),
            Cell::dim(if task.inbound { "from" } else { "to" }),
            Cell::bold(peer),
            Cell::new(short(&task.skill)),
            Cell::new(state(task)),
            Cell::new(ago(now, task.at_ms)),
            Cell::new(task.done_ms.map(|at| ago(now, at)).unwrap_or_default()),
        ]);
    }
    table.to_string()
}

fn state(task: &TaskInfo) -> String {
    match task.state {
        TaskState::Waiting if !task.inbound => "waiting for the peer".to_owned(),
        TaskState::Waiting => "waiting for its turn".to_owned(),
        TaskState::Answered => "answered, waiting for the peer".to_owned(),
        other => other.name().to_owned(),
    }
}

/// A peer may ask for a skill of any name.
fn short(skill: &str) -> String {
    const MOST: usize = 40;
    let cut: String = skill.chars().take(MOST).collect();
    if cut.len() < skill.len() { format!("{}…", print::plain(&cut)) } else { print::plain(skill) }
}
