use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{TrustLog, TrustLogEntry};

use crate::context::{Context, now_ms};
use crate::print::{Cell, Table, ago};
use crate::report::Report;

/// Show changes of trust with their reasons, newest first
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Show only this peer: its name, its id, or the start of its id
    peer: Option<String>,

    /// Show at most this many entries
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
}

impl Log {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let entries = context.ask(TrustLog { peer: self.peer, limit: self.limit }).await?;
        let text = if entries.is_empty() { "Nothing yet.".to_owned() } else { table(&entries, now_ms()) };
        Ok(Report::text(text).field("entries", &entries))
    }
}

fn table(entries: &[TrustLogEntry], now: i64) -> String {
    let mut table = Table::new(&["WHEN", "PEER", "WAS", "IS", "WHY", "NOTE"]);
    for entry in entries {
        table.row([
            Cell::dim(ago(now, entry.at_ms)),
            Cell::bold(entry.name.as_ref().map_or_else(|| entry.peer.short(), ToString::to_string)),
            Cell::tier(entry.before),
            Cell::tier(entry.after),
            Cell::new(&entry.why),
            Cell::dim(&entry.note),
        ]);
    }
    table.to_string()
}
