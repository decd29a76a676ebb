use clap::Args;
use coworker_agent::OpError;
use coworker_agent::ops::{Decision, TrustList};

use crate::context::{Context, now_ms};
use crate::print::{CODE, Cell, DIM, Table, ago, badge, paint};
use crate::report::Report;

/// Your decisions; everybody else is UNTRUSTED
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, OpError> {
        let decisions = context.ask(TrustList {}).await?;
        let text = if decisions.is_empty() { nobody(context) } else { table(&decisions, now_ms()) };
        Ok(Report::text(text).field("trust", &decisions))
    }
}

fn nobody(context: &Context) -> String {
    let set = paint(CODE, &context.command("trust set PEER known"));
    let everybody = badge(coworker_policy::Tier::Untrusted);
    format!("You trust nobody yet: everybody is {everybody}.\n{} {set}", paint(DIM, "trust a peer:"))
}

fn table(decisions: &[Decision], now: i64) -> String {
    let mut table = Table::new(&["NAME", "ID", "TIER", "SINCE", "WHY"]);
    for decision in decisions {
        table.row([
            Cell::bold(decision.name.as_ref().map_or("?", |name| name.as_str())),
            Cell::dim(decision.peer.short()),
            Cell::tier(decision.tier),
            Cell::new(ago(now, decision.at_ms)),
            Cell::dim(&decision.reason),
        ]);
    }
    table.to_string()
}
