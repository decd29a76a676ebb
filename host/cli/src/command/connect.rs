use std::net::SocketAddr;

use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{self, Connected, TrustAsk, TrustAsked};
use coworker_policy::{Text, Tier};

use crate::context::Context;
use crate::print::{self, BOLD, CODE, DIM, GOOD, WARN, badge, paint};
use crate::report::Report;
use crate::session::Session;

/// Connect to the agent of an invite code
#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// The code that `coworker invite` printed on the other side
    code: String,

    /// Address where the agent listens, if discovery cannot find it (repeatable)
    #[arg(long, value_name = "ADDR:PORT")]
    at: Vec<SocketAddr>,

    /// Give up after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 15.0)]
    timeout: f64,

    /// Ask the peer's owner for this tier: known, internal or privileged
    #[arg(long, value_name = "TIER")]
    ask: Option<Tier>,

    /// The reason that the peer's owner sees
    #[arg(long, value_name = "TEXT", requires = "ask", value_parser = reason, default_value = "", hide_default_value = true)]
    reason: Text,
}

pub(super) fn reason(text: &str) -> Result<Text, coworker_policy::TextError> {
    Text::new(text)
}

impl Connect {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let connect = ops::Connect { code: self.code, at: self.at, timeout: self.timeout };
        let work = async |session: &Session| {
            let connected = session.run(connect).await?;
            let asked = match self.ask {
                Some(tier) => {
                    let peer = connected.peer.to_string();
                    Some(session.run(TrustAsk { peer, tier, reason: self.reason, wait: 0.0 }).await?)
                }
                None => None,
            };
            Ok((connected, asked))
        };
        let (connected, asked) = context.with_session(work).await?;
        let report = Report::text(text(&connected, asked.as_ref(), context)).fields(&connected);
        Ok(match asked {
            Some(asked) => report.field("asked", &asked),
            None => report,
        })
    }
}

fn text(connected: &Connected, asked: Option<&TrustAsked>, context: &Context) -> String {
    let name = print::plain(connected.name.as_str());
    let done = match super::inspect::age(connected.cached_ms, &name) {
        None => format!("{} connected to {}", paint(GOOD, "✓"), paint(BOLD, &name)),
        Some(away) => away,
    };
    let text = format!(
        "{done}\n  {} {}\n  {} {}\n",
        paint(DIM, "id  "),
        connected.peer,
        paint(DIM, "tier"),
        badge(connected.tier)
            + &paint(DIM, "  what you think of it; it decides for itself what it thinks of you"),
    );
    let text = match &connected.invite {
        Some(redeemed) => text + &granted(redeemed.granted, &name) + "\n",
        None => text,
    };
    let who = word(&name, connected);
    let shown = match connected.skills.as_slice() {
        [] => format!("{name} shows you no skill yet."),
        cards => format!("{name} shows you:\n{}", print::brief(cards)),
    };
    let then = match (asked, connected.skills.first()) {
        (Some(asked), _) => super::trust::ask::text(asked, &name, context),
        (None, None) => next("ask for trust:", &context.command(&format!("trust ask {who} known"))),
        (None, Some(card)) => {
            next("call one:", &context.command(&format!("call {who} {} '{{…}}'", card.name)))
        }
    };
    format!("{text}\n{shown}\n\n{then}")
}

/// Describes the outcome of the code's grant; `name` is plain text.
fn granted(tier: Option<Tier>, name: &str) -> String {
    match tier {
        Some(tier) => {
            format!("{} {name} thinks of you as {}: the code brought that", paint(GOOD, "✓"), badge(tier))
        }
        None => format!(
            "{} the grant in this code is worth nothing any more; ask {name} for a new one",
            paint(WARN, "✗")
        ),
    }
}

fn next(why: &str, command: &str) -> String {
    format!("{} {}", paint(DIM, why), paint(CODE, command))
}

/// The peer's name for a command line.
fn word(name: &str, connected: &Connected) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.chars().all(plain) && !name.starts_with('-') { name.to_owned() } else { connected.peer.short() }
}
