use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{TrustAsk, TrustAsked};
use coworker_policy::{Text, Tier};

use crate::command::connect::reason;
use crate::context::Context;
use crate::print::{self, CODE, DIM, GOOD, WARN, badge, paint};
use crate::report::Report;

/// Ask a peer's owner for a higher tier
#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The peer's name, its id, or the start of its id
    peer: String,

    /// known, internal or privileged
    tier: Tier,

    /// The reason that the peer's owner sees
    #[arg(long, value_name = "TEXT", value_parser = reason, default_value = "", hide_default_value = true)]
    reason: Text,

    /// Seconds to wait for the owner's answer; the request stays open afterwards
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    wait: f64,
}

impl Ask {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let ask = TrustAsk { peer: self.peer.clone(), tier: self.tier, reason: self.reason, wait: self.wait };
        let asked = context.ask(ask).await?;
        let text = text(&asked, &print::plain(&self.peer), context);
        Ok(Report::text(text).fields(&asked))
    }
}

/// `name` is plain text.
pub(crate) fn text(asked: &TrustAsked, name: &str, context: &Context) -> String {
    match (asked.answered, asked.granted) {
        (true, Some(tier)) => format!("{} {name} thinks of you as {} now", paint(GOOD, "✓"), badge(tier)),
        (true, None) => format!("{} {name} said no", paint(WARN, "✗")),
        (false, _) => format!(
            "{} {name} was asked; its owner has not answered yet.\n{} {}",
            paint(GOOD, "✓"),
            paint(DIM, "look again later:"),
            paint(CODE, &context.command("audit log")),
        ),
    }
}
