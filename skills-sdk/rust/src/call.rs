//! The current call.
//!
//! Outside of `wasm32`, where tests run, there is no host: the caller is untrusted and called `nobody`, there is no
//! deadline, and progress and parts are dropped.

use std::time::Duration;

use crate::bindings::coworker::skill::call as host;

/// The trust of this agent's owner in the caller, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    Untrusted,
    Known,
    Internal,
    Privileged,
}

/// Returns the caller's tier. It stays the same during the call.
pub fn tier() -> Tier {
    if !cfg!(target_arch = "wasm32") {
        return Tier::Untrusted;
    }
    match host::tier() {
        host::TrustTier::Untrusted => Tier::Untrusted,
        host::TrustTier::Known => Tier::Known,
        host::TrustTier::Internal => Tier::Internal,
        host::TrustTier::Privileged => Tier::Privileged,
    }
}

/// Returns a pseudonym of the caller. It is stable for this caller and skill, and unrelated to those that other skills
/// see.
pub fn caller() -> String {
    if cfg!(target_arch = "wasm32") { host::caller() } else { "nobody".to_owned() }
}

/// Returns the time until the host stops this call.
pub fn remaining() -> Duration {
    if cfg!(target_arch = "wasm32") { Duration::from_millis(host::remaining_ms()) } else { Duration::MAX }
}

/// Returns whether the call was cancelled. A long-running skill should check this from time to time and return
/// [`SkillError::Cancelled`](crate::SkillError::Cancelled). The host stops it in any case.
pub fn is_cancelled() -> bool {
    cfg!(target_arch = "wasm32") && host::is_cancelled()
}

/// Reports progress to the caller, in percent. Values above 100 count as 100.
pub fn progress(percent: u8, note: &str) {
    if cfg!(target_arch = "wasm32") {
        host::progress(percent.min(100), note);
    }
}

/// Sends the caller a part of the output before the call ends. Parts count against the output limit.
pub fn emit(part: &str) {
    if cfg!(target_arch = "wasm32") {
        host::emit(part);
    }
}
