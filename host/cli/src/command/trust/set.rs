use clap::Args;
use coworker_agent::OpError;
use coworker_agent::ops::{TrustSet, Trusted};
use coworker_policy::Tier;

use crate::context::Context;
use crate::print::{self, BOLD, GOOD, badge, paint};
use crate::report::Report;

/// Decide what you think of a peer; less than before stops its running calls
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its name, its id, or the start of its id
    peer: String,

    /// untrusted, known, internal or privileged
    tier: Tier,
}

impl Set {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, OpError> {
        let trusted = context.ask(TrustSet { peer: self.peer.clone(), tier: self.tier }).await?;
        Ok(Report::text(text(&trusted, &self.peer)).fields(&trusted))
    }
}

pub(super) fn text(trusted: &Trusted, typed: &str) -> String {
    let who = paint(BOLD, &print::plain(typed));
    let (before, tier) = (badge(trusted.before), badge(trusted.tier));
    format!(
        "{} {who} is {tier} now {}",
        paint(GOOD, "✓"),
        paint(print::DIM, "(was ") + &before + &paint(print::DIM, ")")
    )
}
