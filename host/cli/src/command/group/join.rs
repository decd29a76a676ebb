use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{GroupJoin, GroupLeave};

use crate::context::Context;
use crate::print::{self, BOLD, GOOD, paint};
use crate::report::Report;

/// Accept an invitation to a group
#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The group's name, or the start of its id, as `group list` shows it
    group: String,

    /// Wait at most this many seconds for the steward
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,
}

/// Leave a group and delete its messages, or decline an invitation
#[derive(Debug, Args)]
pub(crate) struct Leave {
    /// The group's name, or the start of its id
    group: String,
}

impl Join {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let info = context.ask(GroupJoin { group: self.group, timeout: self.timeout }).await?;
        let name = paint(BOLD, &print::plain(&info.name));
        let text = format!(
            "{} you are in the group {name}, with {}",
            paint(GOOD, "✓"),
            print::count(info.members.saturating_sub(1), "other")
        );
        Ok(Report::text(text).fields(&info))
    }
}

impl Leave {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let left = context.ask(GroupLeave { group: self.group }).await?;
        let name = paint(BOLD, &print::plain(&left.name));
        let did = if left.declined { "said no to" } else { "left" };
        Ok(Report::text(format!("{} you {did} the group {name}", paint(GOOD, "✓"))).fields(&left))
    }
}
