//! Lengths of time in milliseconds, as rows and messages have them.

pub(crate) const MINUTE_MS: i64 = 60 * 1000;
pub(crate) const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
