use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{GroupDeputies, GroupTakeOver};

use crate::context::Context;
use crate::print::{self, BOLD, DIM, GOOD, paint};
use crate::report::Report;

/// Set the deputies that may take over when the steward is gone; without names, show them
#[derive(Debug, Args)]
pub(crate) struct Deputies {
    /// The group's name, or the start of its id
    group: String,

    /// Members by name, id, or start of the id, in the order of succession; they replace the former deputies
    #[arg(value_name = "PEER")]
    peers: Vec<String>,

    /// Remove all deputies
    #[arg(long, conflicts_with = "peers")]
    none: bool,
}

/// Become the steward of a group as its deputy, if the steward is gone for good
///
/// If the old steward comes back, its changes in the meantime are void.
#[derive(Debug, Args)]
pub(crate) struct TakeOver {
    /// The group's name, or the start of its id
    group: String,
}

impl Deputies {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let set = (self.none || !self.peers.is_empty()).then_some(self.peers);
        let led = context.ask(GroupDeputies { group: self.group, set }).await?;
        let name = paint(BOLD, &print::plain(&led.name));
        let deputies: Vec<_> = led.deputies.iter().map(coworker_policy::PeerId::short).collect();
        let text = if deputies.is_empty() {
            format!("{name}: {}", paint(DIM, "nobody may take over"))
        } else {
            format!("{name}: {} may take over, in this order", deputies.join(", "))
        };
        Ok(Report::text(text).fields(&led))
    }
}

impl TakeOver {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let changed = context.ask(GroupTakeOver { group: self.group }).await?;
        let name = paint(BOLD, &print::plain(&changed.name));
        Ok(Report::text(format!("{} you are the steward of the group {name}", paint(GOOD, "✓")))
            .fields(&changed))
    }
}
