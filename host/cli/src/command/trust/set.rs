use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{TrustSet, Trusted};
use coworker_policy::{Text, Tier};

use super::ends::Ends;
use super::list::left;
use crate::command::connect::reason;
use crate::context::{Context, now_ms};
use crate::print::{self, BOLD, DIM, GOOD, badge, paint};
use crate::report::Report;

/// Set a peer's tier and how long it lasts; a lower tier stops the peer's running calls
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The peer's name, its id, or the start of its id
    peer: String,

    /// untrusted, known, internal or privileged
    tier: Tier,

    #[command(flatten)]
    ends: Ends,

    /// The reason, for your own record (coworker trust log)
    #[arg(long, value_name = "TEXT", value_parser = reason, default_value = "", hide_default_value = true)]
    reason: Text,
}

impl Set {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let (peer, ends) = (self.peer.clone(), self.ends.into());
        let trusted = context.ask(TrustSet { peer, tier: self.tier, ends, reason: self.reason }).await?;
        Ok(Report::text(text(&trusted, &self.peer)).fields(&trusted))
    }
}

pub(super) fn text(trusted: &Trusted, typed: &str) -> String {
    let who = paint(BOLD, &print::plain(typed));
    let (before, tier) = (badge(trusted.before), badge(trusted.tier));
    let lease = trusted.lease.as_ref().map(|lease| format!(", {}", left(lease, now_ms())));
    format!(
        "{} {who} is {tier} now{} {}",
        paint(GOOD, "✓"),
        lease.unwrap_or_default(),
        paint(DIM, "(was ") + &before + &paint(DIM, ")")
    )
}
