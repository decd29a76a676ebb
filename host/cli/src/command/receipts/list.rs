use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{ReceiptInfo, Receipts};

use crate::context::{Context, now_ms};
use crate::print::{Cell, Table, ago};
use crate::report::Report;

/// Characters of an id that are shown; any start that is one's alone names it.
const SHOWN: usize = 8;

/// List the receipts of finished calls, newest first
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Show at most this many
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,

    /// Show only receipts of calls with this peer
    #[arg(long)]
    peer: Option<String>,

    /// Show only receipts of calls of this skill
    #[arg(long)]
    skill: Option<String>,
}

impl List {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let ask = Receipts { limit: self.limit, peer: self.peer, skill: self.skill };
        let receipts = context.ask(ask).await?;
        let text = if receipts.is_empty() {
            "Nothing yet: a call that ran leaves a receipt.".to_owned()
        } else {
            table(&receipts, now_ms())
        };
        Ok(Report::text(text).field("receipts", &receipts))
    }
}

fn table(receipts: &[ReceiptInfo], now: i64) -> String {
    let mut table = Table::new(&["WHEN", "ID", "PEER", "WE", "SKILL", "OUTCOME", "STATE"]);
    for info in receipts {
        let receipt = info.receipt.as_ref();
        let skill = receipt.map(|receipt| format!("{} {}", receipt.skill, receipt.version));
        let outcome = receipt.map_or("not as it was signed", |receipt| receipt.outcome.as_str());
        let peer = info.peer_name.as_ref().map_or_else(|| info.peer.short(), ToString::to_string);
        table.row([
            Cell::dim(ago(now, info.at_ms)),
            Cell::bold(info.id.get(..SHOWN).unwrap_or(&info.id)),
            Cell::new(peer),
            Cell::new(if info.role == "caller" { "called" } else { "served" }),
            Cell::new(skill.unwrap_or_default()),
            Cell::new(outcome),
            Cell::new(&info.state),
        ]);
    }
    table.to_string()
}
