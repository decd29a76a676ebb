//! Receipts, signed by both sides of a call: list, show, export, verify.

mod export;
mod list;
mod show;
mod verify;

use clap::{Args, Subcommand};
use coworker_api::ApiError;
use coworker_api::ops::{ContentRead, ReceiptRead};
use coworker_api::ops::{ReceiptShow, ReceiptShown};
use coworker_policy::ErrorCode;
use jiff::Timestamp;

use crate::context::Context;
use crate::print::{self, DIM, paint};
use crate::report::Report;

/// Manage receipts: signed by both sides of a call, kept for a year, verifiable by anybody
#[derive(Debug, Subcommand)]
pub(crate) enum Receipts {
    List(list::List),
    Show(show::Show),
    Export(export::Export),
    Verify(verify::Verify),
}

impl Receipts {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        match self {
            Self::List(command) => command.run(context).await,
            Self::Show(command) => command.run(context).await,
            Self::Export(command) => command.run(context).await,
            Self::Verify(command) => command.run(context).await,
        }
    }
}

/// Which one.
#[derive(Debug, Args)]
struct Which {
    /// The call's id, or the start of it
    id: String,

    /// The peer, if two peers chose the same id
    #[arg(long)]
    peer: Option<String>,
}

impl Which {
    /// Takes a receipt only if its signatures are valid; other rows of the database may hold anything.
    async fn read(self, context: &Context) -> Result<ReceiptShown, ApiError> {
        let shown = context.ask(ReceiptShow { id: self.id, peer: self.peer }).await?;
        if shown.info.receipt.is_none() {
            return Err(ApiError::new(
                ErrorCode::InvalidInput,
                "the receipt is not as it was signed any more",
            )
            .hint(context.command(&format!("receipts verify {}", shown.info.id))));
        }
        Ok(shown)
    }
}

/// The contents of a receipt, one fact per line.
fn told(receipt: &ReceiptRead) -> String {
    let started = i64::try_from(receipt.started_ms).ok();
    let started = started.and_then(|at| Timestamp::from_millisecond(at).ok());
    let started = started.map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    let signed = if receipt.caller_signed { "the provider and the caller" } else { "the provider alone" };
    let lines = [
        ("call", receipt.id.to_string()),
        ("signed by", signed.to_owned()),
        ("provider", receipt.provider.to_string()),
        ("caller", receipt.caller.to_string()),
        ("skill", format!("{} {}", receipt.skill, receipt.version)),
        ("card", receipt.card.to_string()),
        ("outcome", receipt.outcome.clone()),
        ("input", content(&receipt.input)),
        ("output", receipt.output.as_ref().map_or_else(|| "none".to_owned(), content)),
        ("ran", format!("{started}, {} ms, fuel {}", receipt.duration_ms, receipt.fuel)),
    ];
    let line = |(name, told): &(&str, String)| {
        format!("{} {}", paint(DIM, &format!("{name:<10}")), print::plain(told))
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn content(content: &ContentRead) -> String {
    format!("{} bytes, {}", content.bytes, content.sha256)
}
