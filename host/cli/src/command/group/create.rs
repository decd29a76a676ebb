use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::GroupCreate;

use crate::context::Context;
use crate::print::{self, BOLD, GOOD, paint};
use crate::report::Report;

/// Create a group and invite peers; each joins when its owner agrees
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The group's name
    name: String,

    /// Peers to invite
    #[arg(value_name = "PEER")]
    peers: Vec<String>,
}

impl Create {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let made = context.ask(GroupCreate { name: self.name, peers: self.peers }).await?;
        let name = paint(BOLD, &print::plain(&made.info.name));
        let text = format!(
            "{} the group {name} is there; {} asked in",
            paint(GOOD, "✓"),
            print::count(made.invited.len(), "peer")
        );
        Ok(Report::text(text).fields(&made))
    }
}
