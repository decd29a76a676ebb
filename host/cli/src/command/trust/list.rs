use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{Decision, LeaseInfo, TrustList, lasting};

use crate::context::{Context, now_ms};
use crate::print::{CODE, Cell, DIM, Table, ago, badge, count, paint};
use crate::report::Report;

/// List your trust decisions; all other peers are UNTRUSTED
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
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
    let mut table = Table::new(&["NAME", "ID", "TIER", "LEFT", "SINCE", "WHY"]);
    for decision in decisions {
        table.row([
            Cell::bold(decision.name.as_ref().map_or("?", |name| name.as_str())),
            Cell::dim(decision.peer.short()),
            Cell::tier(decision.tier),
            Cell::new(decision.lease.as_ref().map(|lease| left(lease, now)).unwrap_or_default()),
            Cell::new(ago(now, decision.at_ms)),
            Cell::dim(&decision.reason),
        ]);
    }
    table.to_string()
}

/// The rest of a lease, and the tier that follows: `6 d 23 h, 4 calls, then KNOWN`.
pub(super) fn left(lease: &LeaseInfo, now: i64) -> String {
    let span = |until: i64| lasting(u64::try_from(until.saturating_sub(now)).unwrap_or_default());
    let calls = lease.calls_left.and_then(|calls| usize::try_from(calls).ok()).map(|n| count(n, "call"));
    let then = format!("then {}", lease.then);
    let goal = lease.until_goal.then(|| "until a goal is done".to_owned());
    lease.until_ms.map(span).into_iter().chain(calls).chain(goal).chain([then]).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_with_what_comes_then() {
        let then = coworker_policy::Tier::Known;
        let lease = LeaseInfo { until_ms: Some(90_000_000), calls_left: Some(1), until_goal: false, then };
        assert_eq!(left(&lease, 0), "1 d 1 h, 1 call, then KNOWN");
        let lease = LeaseInfo { until_ms: None, calls_left: Some(4), until_goal: true, then };
        assert_eq!(left(&lease, 0), "4 calls, until a goal is done, then KNOWN");
    }
}
