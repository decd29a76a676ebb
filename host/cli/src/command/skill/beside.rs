use coworker_api::ops::DeniedInfo;

use super::rule;
use crate::print::{DIM, WARN, paint, plain};

/// The side output of a run, one fact per line: the skill's log and its denials.
pub(super) fn lines(log: &str, denied: &[DeniedInfo]) -> Vec<String> {
    let log = log.lines().map(|line| format!("{} {}", paint(DIM, "log"), plain(line)));
    let denied = denied.iter().map(|denied| {
        format!("{} {}", paint(WARN, "denied"), rule::line(denied.capability, &plain(&denied.what)))
    });
    log.chain(denied).collect()
}
