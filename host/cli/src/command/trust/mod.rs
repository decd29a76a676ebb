//! Trust in peers, and requests for trust in both directions.

mod accept;
pub(crate) mod ask;
mod deny;
pub(crate) mod ends;
mod list;
mod log;
mod remove;
mod requests;
mod set;

use clap::Subcommand;
use coworker_api::ApiError;

use crate::context::Context;
use crate::report::Report;

/// Manage trust: untrusted, known, internal, privileged
#[derive(Debug, Subcommand)]
pub(crate) enum Trust {
    List(list::List),
    Set(set::Set),
    Remove(remove::Remove),
    Requests(requests::Requests),
    Accept(accept::Accept),
    Deny(deny::Deny),
    Ask(ask::Ask),
    Log(log::Log),
}

impl Trust {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        match self {
            Self::List(command) => command.run(context).await,
            Self::Set(command) => command.run(context).await,
            Self::Remove(command) => command.run(context).await,
            Self::Requests(command) => command.run(context).await,
            Self::Accept(command) => command.run(context).await,
            Self::Deny(command) => command.run(context).await,
            Self::Ask(command) => command.run(context).await,
            Self::Log(command) => command.run(context).await,
        }
    }
}
