use std::time::Duration;

use crate::tier::Tier;

/// The conditions that end a lease. `None` and `false` set no end; the first condition that is met ends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeaseTerms {
    /// Counted from the moment of the grant.
    pub span: Option<Duration>,
    /// A number of calls of the peer. A lease of 0 calls ends at once.
    pub calls: Option<u64>,
    /// Until a goal that the peer takes part in completes.
    pub until_goal: bool,
}

impl LeaseTerms {
    pub fn is_endless(&self) -> bool {
        self.span.is_none() && self.calls.is_none() && !self.until_goal
    }
}

/// A tier with an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub tier: Tier,
    /// The end, in milliseconds since the Unix epoch. The lease does not include it.
    pub until_ms: Option<i64>,
    pub calls_left: Option<u64>,
    pub until_goal: bool,
}

impl Lease {
    pub(super) fn new(tier: Tier, terms: LeaseTerms, now_ms: i64) -> Self {
        let until = |span: Duration| now_ms.saturating_add(span.as_millis().try_into().unwrap_or(i64::MAX));
        Self { tier, until_ms: terms.span.map(until), calls_left: terms.calls, until_goal: terms.until_goal }
    }

    pub fn is_over(&self, now_ms: i64) -> bool {
        self.until_ms.is_some_and(|until| until <= now_ms) || self.calls_left == Some(0)
    }

    /// Counts a call. Returns true if it was the last one.
    pub(super) fn count_call(&mut self) -> bool {
        self.calls_left = self.calls_left.map(|left| left.saturating_sub(1));
        self.calls_left == Some(0)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LeaseSpanError {
    #[error("not a duration: write it like 7d, 12h or 1h 30m")]
    Unreadable(#[source] humantime::DurationError),
    #[error("a lease lasts from one second to ten years")]
    Range,
}

const YEAR: u64 = 365 * 24 * 60 * 60;

/// Parses a duration like `7d`, `12h`, `1h 30m` or `2 weeks`, from one second to ten years.
pub fn span(text: &str) -> Result<Duration, LeaseSpanError> {
    let span = humantime::parse_duration(text).map_err(LeaseSpanError::Unreadable)?;
    let fits = (1..=10 * YEAR).contains(&span.as_secs());
    if fits { Ok(span) } else { Err(LeaseSpanError::Range) }
}
