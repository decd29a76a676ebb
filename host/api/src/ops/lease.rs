use std::time::Duration;

use coworker_policy::trust::{Lease, LeaseTerms, Trust};
use coworker_policy::{ErrorCode, Tier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, is_false};

/// Ends of a tier: the first one that comes counts. Without any, the tier stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ends {
    /// Milliseconds from the moment the tier is given; more than 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_ms: Option<u64>,
    /// Number of the peer's calls; more than 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Ends with a goal that the peer takes part in.
    #[serde(default, skip_serializing_if = "is_false")]
    pub goal: bool,
}

/// The rest of a lease.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LeaseInfo {
    /// The lease's end, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_left: Option<u64>,
    /// True if the lease ends with a goal.
    #[serde(default, skip_serializing_if = "is_false")]
    pub until_goal: bool,
    /// The tier after the lease.
    pub then: Tier,
}

impl Ends {
    pub fn terms(self) -> Result<LeaseTerms, ApiError> {
        if self.span_ms == Some(0) || self.calls == Some(0) {
            return Err(ApiError::new(
                ErrorCode::Usage,
                "a lease needs some time or calls; this one would be over at once",
            )
            .suggest("to take trust away", ["trust", "set", "PEER", "untrusted"]));
        }
        let span = self.span_ms.map(Duration::from_millis);
        Ok(LeaseTerms { span, calls: self.calls, until_goal: self.goal })
    }

    /// `for 7 d, for 20 calls, until a goal is done`; empty if there is no end.
    pub fn told(self) -> String {
        let span = self.span_ms.map(|ms| format!("for {}", lasting(ms)));
        let calls = self.calls.map(|calls| format!("for {calls} call{}", if calls == 1 { "" } else { "s" }));
        let goal = self.goal.then(|| "until a goal is done".to_owned());
        span.into_iter().chain(calls).chain(goal).collect::<Vec<_>>().join(", ")
    }
}

impl From<LeaseTerms> for Ends {
    fn from(terms: LeaseTerms) -> Self {
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self { span_ms: terms.span.map(ms), calls: terms.calls, goal: terms.until_goal }
    }
}

impl LeaseInfo {
    /// `None` if no lease is in force at `now_ms`.
    pub fn of(trust: &Trust, now_ms: i64) -> Option<Self> {
        let Lease { until_ms, calls_left, until_goal, .. } =
            trust.lease().filter(|lease| !lease.is_over(now_ms))?.clone();
        Some(Self { until_ms, calls_left, until_goal, then: trust.without_lease() })
    }
}

/// A length of time for people, in its two largest units and rounded to the smaller one: `7 d`, `1 h 30 min`.
pub fn lasting(ms: u64) -> String {
    const UNITS: [(u64, &str); 5] =
        [(31_536_000_000, "years"), (86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let largest = UNITS.iter().rposition(|(unit, _)| *unit > ms).map_or(0, |at| at + 1);
    let smallest = UNITS.get(largest + 1).or(UNITS.last()).map_or(1_000, |(unit, _)| *unit);
    let mut left = ms.saturating_add(smallest / 2) / smallest * smallest;
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        if left >= unit {
            parts.push(format!("{} {name}", left / unit));
            left %= unit;
        }
    }
    parts.truncate(2);
    if parts.is_empty() { "less than 1 s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_written_for_people() {
        let told = |span_ms, calls| Ends { span_ms, calls, goal: false }.told();
        assert_eq!(told(Some(7 * 86_400_000), Some(20)), "for 7 d, for 20 calls");
        assert_eq!(told(Some(5_400_000), None), "for 1 h 30 min");
        assert_eq!(told(None, Some(1)), "for 1 call");
        assert_eq!(told(None, None), "");
        assert_eq!(Ends { goal: true, ..Ends::default() }.told(), "until a goal is done");
        let lasts = [0, 499, 1_400, 59_999, 604_797_000, 694_861_000, u64::MAX].map(lasting);
        let expected = ["less than 1 s", "less than 1 s", "1 s", "1 min", "7 d", "8 d 1 h"];
        assert_eq!(lasts[..6], expected);
    }

    #[test]
    fn a_lease_that_is_over_at_once_is_refused() {
        let fails = |span_ms, calls| Ends { span_ms, calls, goal: false }.terms().is_err();
        assert!(fails(Some(0), None) && fails(Some(1), Some(0)) && !fails(None, None));
    }
}
