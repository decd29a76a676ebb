use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::SkillTry;
use coworker_policy::{ErrorCode, Tier};

use super::beside;
use crate::command::input;
use crate::context::Context;
use crate::print::{self, DIM, paint};
use crate::report::Report;

/// Run one of your skills here, through the same gates as a peer's call
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The skill
    name: String,

    /// JSON text, `-` for standard input, `@FILE` for a file
    #[arg(value_name = "INPUT", allow_hyphen_values = true)]
    input: Option<String>,

    /// Run it as a caller of this tier [default: with your own authority]
    #[arg(long = "as", value_name = "TIER")]
    tier: Option<Tier>,

    /// With --json: print a line for each progress report and each part of the output before the answer
    #[arg(long)]
    stream: bool,
}

impl Run {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let input = input::read(self.input.as_deref())?;
        let run = SkillTry { name: self.name, input, tier: self.tier };
        let tried = context.ask_live(run, self.stream).await?;
        if !context.json {
            for line in beside::lines(&tried.log, &tried.denied) {
                print::note(&line);
            }
        }
        let ran = tried.ran().map_err(|error| unseen(error, self.tier, context))?;
        if !context.json {
            let used = format!("{:.1} ms, fuel {}, request {}", ran.duration_ms, ran.fuel_used, ran.id);
            print::note(&paint(DIM, &used));
        }
        Ok(Report::text(print::plain_json(&ran.output)).fields(&ran))
    }
}

/// Returns only the facts that a caller gets; the owner may ask for a caller's view.
fn unseen(error: ApiError, tier: Option<Tier>, context: &Context) -> ApiError {
    match tier {
        Some(tier) if error.code == ErrorCode::UnknownSkill => {
            let preview = context.command(&format!("skill preview --peer-tier {}", tier.name()));
            error.hint(format!("what a caller of that tier sees: {preview}"))
        }
        _ => error,
    }
}
