use std::time::Duration;

use crate::refusal::Refusal;

/// G19: a request that was to be done by a moment is not begun after it, however late it comes. Nothing of the
/// skill is asked, so it is the same for one that is hidden and one that does not exist.
///
/// Both in milliseconds since the Unix epoch, the first by the caller's clock. Returns how long is left, if
/// there is an end.
pub fn expiry(expires_ms: Option<i64>, now_ms: i64) -> Result<Option<Duration>, Refusal> {
    let Some(expires_ms) = expires_ms else { return Ok(None) };
    match u64::try_from(expires_ms.saturating_sub(now_ms)) {
        Ok(left) if left > 0 => Ok(Some(Duration::from_millis(left))),
        _ => Err(Refusal::Expired),
    }
}
