use clap::Args;
use coworker_agent::OpError;
use coworker_agent::ops::{TrustAccept, TrustAnswered};
use coworker_policy::Tier;

use crate::context::Context;
use crate::print::{self, BOLD, GOOD, badge, paint};
use crate::report::Report;

/// Grant a peer what it asked for, or another tier
#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// Its name, its id, or the start of its id
    peer: String,

    /// Instead of the tier that it asked for
    #[arg(long)]
    tier: Option<Tier>,
}

impl Accept {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, OpError> {
        let answered = context.ask(TrustAccept { peer: self.peer.clone(), tier: self.tier }).await?;
        Ok(Report::text(text(&answered, &self.peer)).fields(&answered))
    }
}

pub(super) fn text(answered: &TrustAnswered, typed: &str) -> String {
    let who = paint(BOLD, &print::plain(typed));
    let (tier, done) = (badge(answered.tier), paint(GOOD, "✓"));
    if answered.granted {
        format!("{done} {who} is {tier} now")
    } else {
        format!("{done} said no; {who} stays {tier}")
    }
}
