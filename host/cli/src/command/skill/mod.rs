//! The owner's own skills.

mod add;
pub(crate) mod consent;
mod expose;
mod hide;
mod inspect;
mod list;
mod preview;
mod remove;
mod run;

use clap::Subcommand;
use coworker_agent::OpError;

use crate::context::Context;
use crate::report::Report;

pub(crate) use add::text as added;

/// Your skills: what is installed, and who may know of it
#[derive(Debug, Subcommand)]
pub(crate) enum Skill {
    Add(add::Add),
    List(list::List),
    Inspect(inspect::Inspect),
    Expose(expose::Expose),
    Hide(hide::Hide),
    Preview(preview::Preview),
    Run(run::Run),
    Remove(remove::Remove),
}

impl Skill {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, OpError> {
        match self {
            Self::Add(command) => command.run(context).await,
            Self::List(command) => command.run(context).await,
            Self::Inspect(command) => command.run(context).await,
            Self::Expose(command) => command.run(context).await,
            Self::Hide(command) => command.run(context).await,
            Self::Preview(command) => command.run(context).await,
            Self::Run(command) => command.run(context).await,
            Self::Remove(command) => command.run(context).await,
        }
    }
}
