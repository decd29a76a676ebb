//! `demo`: two real agent processes on this machine, from `init` to the end of a trust.

mod cast;
mod goal;
mod steps;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use coworker_api::ApiError;
use coworker_policy::ErrorCode;

use crate::context::Context;
use crate::print::{BOLD, CODE, DIM, GOOD, paint};
use crate::report::Report;
use cast::Actor;
use steps::Play;
use tokio::signal::unix::{SignalKind, signal};

/// Longest that the whole demo may take before it gives up.
const LIMIT: Duration = Duration::from_mins(1);

/// Run a demo: two real agents on this machine work together, without internet
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Keep the two data directories
    #[arg(long)]
    keep: bool,
}

impl Demo {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let stage =
            tempfile::Builder::new().prefix("coworker-demo-").tempdir().map_err(|e| ApiError::fault(&e))?;
        let exe = std::env::current_exe().map_err(|error| ApiError::fault(&error))?;
        let actor = |name| Actor::new(name, exe.clone(), stage.path().join(name), context.verbose > 0);
        let mut play = Play::new(context.json, stage.path(), actor("ada"), actor("bob"));
        context
            .say(&paint(BOLD, "Two agents on this machine, each a process of its own; nothing leaves it.\n"));

        let began = tokio::time::Instant::now();
        let played = tokio::select! {
            played = tokio::time::timeout(LIMIT, play.run()) => played.unwrap_or_else(|_| Err(late())),
            () = interrupted() => Err(ApiError::new(ErrorCode::Cancelled, "the demo was interrupted")),
        };
        let total_ms = began.elapsed().as_secs_f64() * 1000.0;
        play.end().await;
        let kept = (self.keep && played.is_ok()).then(|| stage.keep());
        played?;

        context.say(&closing(total_ms, kept.as_ref()));
        let report = if context.json { Report::default() } else { Report::silent() };
        let report = report.field("steps", &play.steps).field("total_ms", &total_ms);
        Ok(match kept {
            Some(dir) => report.field("kept", &dir),
            None => report,
        })
    }
}

/// Returns when this process is asked to end. If it cannot be told, it is never asked.
async fn interrupted() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

fn late() -> ApiError {
    ApiError::new(ErrorCode::Deadline, format!("the demo did not end within {} s", LIMIT.as_secs()))
}

fn closing(total_ms: f64, kept: Option<&PathBuf>) -> String {
    let done = paint(GOOD, &format!("✓ done in {:.1} s", total_ms / 1000.0));
    match kept {
        None => {
            format!("{done}\n{} {}", paint(DIM, "your own agent:"), paint(CODE, "coworker init --name NAME"))
        }
        Some(dir) => {
            let dir = dir.display();
            let try_it = [
                format!("coworker --data {dir}/ada serve"),
                format!("coworker --data {dir}/bob inspect ada"),
                format!("rm -r {dir}"),
            ];
            format!(
                "{done}\nThe agents are in {dir}. Try, in two terminals:\n  {}",
                paint(CODE, &try_it.join("\n  "))
            )
        }
    }
}
