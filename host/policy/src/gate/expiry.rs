use std::time::Duration;

use crate::refusal::Refusal;

/// G19: a request that expired is not started, however late it arrives. The skill is not looked up, so hidden and
/// unknown skills give the same answer.
///
/// Both times are in milliseconds since the Unix epoch; the caller's clock set the first. Returns the time left, if
/// the request expires at all.
pub fn expiry(expires_ms: Option<i64>, now_ms: i64) -> Result<Option<Duration>, Refusal> {
    let Some(expires_ms) = expires_ms else { return Ok(None) };
    match u64::try_from(expires_ms.saturating_sub(now_ms)) {
        Ok(left) if left > 0 => Ok(Some(Duration::from_millis(left))),
        _ => Err(Refusal::Expired),
    }
}
