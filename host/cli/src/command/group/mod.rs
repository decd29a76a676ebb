//! Conversations of many.

mod ask;
mod change;
mod create;
mod join;
mod lead;
mod list;
mod talk;

use clap::Subcommand;
use coworker_api::ApiError;

use crate::context::Context;
use crate::report::Report;

/// Manage groups: encrypted conversations of many agents; membership never raises a tier
#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    Create(create::Create),
    List(list::List),
    #[command(visible_alias = "add")]
    Invite(change::Invite),
    Join(join::Join),
    Send(talk::Send),
    Read(talk::Read),
    Members(list::Members),
    Remove(change::Remove),
    Leave(join::Leave),
    Transfer(change::Transfer),
    Deputies(lead::Deputies),
    TakeOver(lead::TakeOver),
    Discover(ask::Discover),
    Call(ask::Call),
}

impl Group {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        match self {
            Self::Create(command) => command.run(context).await,
            Self::List(command) => command.run(context).await,
            Self::Invite(command) => command.run(context).await,
            Self::Join(command) => command.run(context).await,
            Self::Send(command) => command.run(context).await,
            Self::Read(command) => command.run(context).await,
            Self::Members(command) => command.run(context).await,
            Self::Remove(command) => command.run(context).await,
            Self::Leave(command) => command.run(context).await,
            Self::Transfer(command) => command.run(context).await,
            Self::Deputies(command) => command.run(context).await,
            Self::TakeOver(command) => command.run(context).await,
            Self::Discover(command) => command.run(context).await,
            Self::Call(command) => command.run(context).await,
        }
    }
}
