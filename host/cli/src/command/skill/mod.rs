//! The owner's own skills.

mod add;
mod allow;
mod beside;
mod build;
mod configure;
pub(crate) mod consent;
mod expose;
mod grant;
mod hide;
mod inspect;
mod list;
mod new;
pub(crate) mod policy;
mod preview;
mod remove;
mod revoke;
pub(crate) mod rule;
mod run;
mod test;

use clap::Subcommand;
use coworker_api::ApiError;

use crate::context::Context;
use crate::report::Report;

pub(crate) use add::text as added;

/// Manage your skills: install, expose, grant, configure, write
#[derive(Debug, Subcommand)]
pub(crate) enum Skill {
    Add(add::Add),
    List(list::List),
    Inspect(inspect::Inspect),
    Expose(expose::Expose),
    Hide(hide::Hide),
    Preview(preview::Preview),
    Grant(grant::Grant),
    Revoke(revoke::Revoke),
    Configure(configure::Configure),
    Policy(policy::Policy),
    Run(run::Run),
    Remove(remove::Remove),
    New(new::New),
    Build(build::Build),
    Test(test::Test),
}

impl Skill {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        match self {
            Self::Add(command) => command.run(context).await,
            Self::List(command) => command.run(context).await,
            Self::Inspect(command) => command.run(context).await,
            Self::Expose(command) => command.run(context).await,
            Self::Hide(command) => command.run(context).await,
            Self::Preview(command) => command.run(context).await,
            Self::Grant(command) => command.run(context).await,
            Self::Revoke(command) => command.run(context).await,
            Self::Configure(command) => command.run(context).await,
            Self::Policy(command) => command.run(context).await,
            Self::Run(command) => command.run(context).await,
            Self::Remove(command) => command.run(context).await,
            Self::New(command) => command.run(context),
            Self::Build(command) => command.run(context).await,
            Self::Test(command) => command.run(context).await,
        }
    }
}
