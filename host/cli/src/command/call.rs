use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops;
use coworker_policy::VersionPin;

use super::input;
use crate::context::Context;
use crate::print::{self, DIM, paint};
use crate::report::Report;

/// Call a peer's skill and print its output; Ctrl-C cancels the call
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The peer's name, its id, or the start of its id
    peer: String,

    /// The skill's name, as `inspect` shows it
    skill: String,

    /// JSON text, `-` for standard input, `@FILE` for a file
    #[arg(value_name = "INPUT", allow_hyphen_values = true)]
    input: Option<String>,

    /// Require this version of the skill, or a matching one: 1.2.3, ^1.2, ">=1, <3"
    #[arg(long, value_name = "VERSION", value_parser = super::request::version)]
    version: Option<VersionPin>,

    /// Give up after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,

    /// With --json: print a line for each progress report and each part of the output before the answer
    #[arg(long)]
    stream: bool,
}

impl Call {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let input = input::read(self.input.as_deref())?;
        let Self { peer, skill, version, timeout, .. } = self;
        let call = ops::Call { peer, skill, input, version, timeout };
        let called = context.ask_live(call, self.stream).await?;
        if !context.json {
            print::note(&paint(DIM, &format!("{:.0} ms, request {}", called.duration_ms, called.id)));
        }
        Ok(Report::text(print::plain_json(&called.output)).fields(&called))
    }
}
