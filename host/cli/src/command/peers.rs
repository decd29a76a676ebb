use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{self, PeerInfo};

use super::reached;
use crate::context::{Context, now_ms};
use crate::print::{CODE, Cell, DIM, Table, ago, paint};
use crate::report::Report;

/// List the known peers
#[derive(Debug, Args)]
pub(crate) struct Peers {}

impl Peers {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let peers = context.ask(ops::Peers {}).await?;
        let text = if peers.is_empty() { nobody(context) } else { table(&peers, now_ms()) };
        Ok(Report::text(text).field("peers", &peers))
    }
}

fn nobody(context: &Context) -> String {
    format!(
        "No peers yet.\n{} {}\n{} {}",
        paint(DIM, "connect with a code you were given:"),
        paint(CODE, &context.command("connect CODE")),
        paint(DIM, "or give them yours:                "),
        paint(CODE, &context.command("invite")),
    )
}

fn table(peers: &[PeerInfo], now: i64) -> String {
    let mut table = Table::new(&["NAME", "ID", "TIER", "CONNECTED", "SEEN", "MAIL"]);
    for peer in peers {
        let seen = peer.seen_ms.map_or_else(|| "never".to_owned(), |at| ago(now, at));
        let mail = if peer.waiting == 0 { String::new() } else { format!("{} waiting", peer.waiting) };
        table.row([
            Cell::bold(peer.name.as_ref().map_or("?", |name| name.as_str())),
            Cell::dim(peer.peer.short()),
            Cell::tier(peer.tier),
            Cell::new(reached::short(peer)),
            Cell::new(seen),
            Cell::new(mail),
        ]);
    }
    table.to_string()
}
