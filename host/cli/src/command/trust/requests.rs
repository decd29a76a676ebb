use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{TrustRequestInfo, TrustRequests};

use crate::context::{Context, now_ms};
use crate::print::{CODE, Cell, DIM, Table, ago, paint};
use crate::report::Report;

/// List the trust requests that wait for your answer
#[derive(Debug, Args)]
pub(crate) struct Requests {}

impl Requests {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let requests = context.ask(TrustRequests {}).await?;
        let text = match requests.as_slice() {
            [] => "Nobody is waiting for an answer.".to_owned(),
            [first, ..] => format!("{}\n{}", table(&requests, now_ms()), next(first, context)),
        };
        Ok(Report::text(text).field("requests", &requests))
    }
}

fn table(requests: &[TrustRequestInfo], now: i64) -> String {
    let mut table = Table::new(&["NAME", "ID", "ASKS FOR", "WHEN", "IN ITS WORDS"]);
    for request in requests {
        table.row([
            Cell::bold(request.name.as_ref().map_or("?", |name| name.as_str())),
            Cell::dim(request.peer.short()),
            Cell::tier(request.tier),
            Cell::new(ago(now, request.at_ms)),
            Cell::new(&request.reason),
        ]);
    }
    table.to_string()
}

fn next(first: &TrustRequestInfo, context: &Context) -> String {
    let id = first.peer.short();
    let accept = paint(CODE, &context.command(&format!("trust accept {id}")));
    let deny = paint(CODE, &context.command(&format!("trust deny {id}")));
    format!("\n{} {accept} {} {deny}", paint(DIM, "answer:"), paint(DIM, "or"))
}
