use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{TrustAccept, TrustAnswered};
use coworker_policy::{Text, Tier};

use super::ends::Ends;
use super::list::left;
use crate::command::connect::reason;
use crate::context::{Context, now_ms};
use crate::print::{self, BOLD, GOOD, badge, paint};
use crate::report::Report;

/// Grant a peer the tier that it asked for, or another one
#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// The peer's name, its id, or the start of its id
    peer: String,

    /// Grant this tier instead of the requested one
    #[arg(long)]
    tier: Option<Tier>,

    #[command(flatten)]
    ends: Ends,

    /// The reason, for your own record; the peer does not see it
    #[arg(long, value_name = "TEXT", value_parser = reason, default_value = "", hide_default_value = true)]
    reason: Text,
}

impl Accept {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let (peer, ends) = (self.peer.clone(), self.ends.into());
        let accept = TrustAccept { peer, tier: self.tier, ends, reason: self.reason };
        let answered = context.ask(accept).await?;
        Ok(Report::text(text(&answered, &self.peer)).fields(&answered))
    }
}

pub(super) fn text(answered: &TrustAnswered, typed: &str) -> String {
    let who = paint(BOLD, &print::plain(typed));
    let (tier, done) = (badge(answered.tier), paint(GOOD, "✓"));
    if answered.granted {
        let lease = answered.lease.as_ref().map(|lease| format!(", {}", left(lease, now_ms())));
        format!("{done} {who} is {tier} now{}", lease.unwrap_or_default())
    } else {
        format!("{done} said no; {who} stays {tier}")
    }
}
