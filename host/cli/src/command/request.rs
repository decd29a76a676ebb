use std::time::Duration;

use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{Requested, TaskRequest};
use coworker_policy::trust::{self, LeaseSpanError};
use coworker_policy::{VersionPin, VersionPinError};

use super::input;
use crate::context::Context;
use crate::print::{self, BOLD, CODE, DIM, GOOD, paint};
use crate::report::Report;

/// Send a request to a peer's skill and fetch the result later; the peer may be offline for days
#[derive(Debug, Args)]
pub(crate) struct Request {
    /// The peer's name, its id, or the start of its id
    peer: String,

    /// The skill's name, as `inspect` shows it
    skill: String,

    /// JSON text, `-` for standard input, `@FILE` for a file
    #[arg(value_name = "INPUT", allow_hyphen_values = true)]
    input: Option<String>,

    /// Require this version of the skill, or a matching one: 1.2.3, ^1.2, ">=1, <3"
    #[arg(long, value_name = "VERSION", value_parser = version)]
    version: Option<VersionPin>,

    /// Expire the request after this time: 90s, 12h, 30d
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "7d")]
    expires: Duration,
}

pub(super) fn version(text: &str) -> Result<VersionPin, VersionPinError> {
    text.parse()
}

pub(super) fn span(text: &str) -> Result<Duration, LeaseSpanError> {
    trust::span(text)
}

impl Request {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let input = input::read(self.input.as_deref())?;
        let Self { peer, skill, version, expires, .. } = self;
        let asked = TaskRequest { peer: peer.clone(), skill, input, version, expires };
        let requested = context.ask(asked).await?;
        Ok(Report::text(text(&requested, &peer, context)).fields(&requested))
    }
}

fn text(requested: &Requested, typed: &str, context: &Context) -> String {
    let peer = print::plain(typed);
    let sent = if requested.sent {
        format!("{peer} has it")
    } else {
        format!("it waits here until {peer} can be reached")
    };
    let id = requested.id.to_string();
    let short = id.get(..8).unwrap_or(&id);
    format!(
        "{} requested {} of {peer}: {}\n  {}\n  {} {}",
        paint(GOOD, "✓"),
        print::plain(&requested.skill),
        paint(BOLD, &id),
        paint(DIM, &sent),
        paint(DIM, "the result, when it is there:"),
        paint(CODE, &context.command(&format!("result {short} --wait"))),
    )
}
