use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{GroupChanged, GroupInvite, GroupRemove, GroupTransfer};

use crate::context::Context;
use crate::print::{self, BOLD, GOOD, paint};
use crate::report::Report;

/// Invite a peer to a group that you are the steward of
#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// The group's name, or the start of its id
    group: String,

    /// The peer's name, its id, or the start of its id
    peer: String,
}

/// Remove a member, so that it cannot read later messages; or withdraw an invitation
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The group's name, or the start of its id
    group: String,

    /// The member's name, its id, or the start of its id
    peer: String,
}

/// Make another member the steward; only the steward changes the membership
#[derive(Debug, Args)]
pub(crate) struct Transfer {
    /// The group's name, or the start of its id
    group: String,

    /// The member's name, its id, or the start of its id
    peer: String,
}

impl Invite {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let changed = context.ask(GroupInvite { group: self.group, peer: self.peer.clone() }).await?;
        Ok(report(&changed, &self.peer, "is asked into"))
    }
}

impl Remove {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let changed = context.ask(GroupRemove { group: self.group, peer: self.peer.clone() }).await?;
        Ok(report(&changed, &self.peer, "is no longer in"))
    }
}

impl Transfer {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let changed = context.ask(GroupTransfer { group: self.group, peer: self.peer.clone() }).await?;
        Ok(report(&changed, &self.peer, "is the steward of"))
    }
}

fn report(changed: &GroupChanged, typed: &str, did: &str) -> Report {
    let (who, name) = (paint(BOLD, &print::plain(typed)), paint(BOLD, &print::plain(&changed.name)));
    Report::text(format!("{} {who} {did} the group {name}", paint(GOOD, "✓"))).fields(changed)
}
