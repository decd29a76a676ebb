use coworker_api::ops::DeniedInfo;

use super::rule;
use crate::print::{DIM, WARN, paint, plain};

/// What a run left beside its answer, a line each: the skill's log, and what it was denied.
pub(super) fn lines(log: &str, denied: &[DeniedInfo]) -> Vec<String> {
    let log = log.lines().map(|line| format!("{} {}", paint(DIM, "log"), plain(line)));
    let denied = denied.iter().map(|denied| {
        format!("{} {}", paint(WARN, "denied"), rule::line(denied.capability, &plain(&denied.what)))
    });
    log.chain(denied).collect()
}
