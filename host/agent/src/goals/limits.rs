use crate::base::time::DAY_MS;

/// Goals of one peer that are open with us at most, including those that wait for the owner.
pub(super) const MAX_OPEN: usize = 16;
/// Goals that one peer proposes within a day, and goals of one peer that are kept once they ended. A peer that may
/// propose goals may end them at once, and each leaves an offer here and rows in the audit log.
pub(super) const MAX_A_DAY: usize = 100;
/// How long a goal may be open, in milliseconds.
pub(super) const OPEN_MS: i64 = 7 * DAY_MS;
/// How long ended goals are kept, in milliseconds.
pub(crate) const KEEP_MS: i64 = 90 * DAY_MS;
