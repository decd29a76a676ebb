//! The call that is being answered.
//!
//! Off `wasm32`, where tests run, there is no host: the caller is an untrusted nobody with all the time
//! in the world, and what is sent to it is dropped.

use std::time::Duration;

use crate::bindings::coworker::skill::call as host;

/// How far the owner of this agent trusts the caller, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    Untrusted,
    Known,
    Internal,
    Privileged,
}

/// The caller's tier, for the whole of this call.
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

/// A pseudonym of the caller: stable for this caller in this skill, unrelated to any other skill's.
pub fn caller() -> String {
    if cfg!(target_arch = "wasm32") { host::caller() } else { "nobody".to_owned() }
}

/// Time until the host stops this call.
pub fn remaining() -> Duration {
    if cfg!(target_arch = "wasm32") { Duration::from_millis(host::remaining_ms()) } else { Duration::MAX }
}

/// Whether the call was withdrawn. A skill that works for long looks now and then and returns
/// [`SkillError::Cancelled`](crate::SkillError::Cancelled); one that does not is stopped anyway.
pub fn is_cancelled() -> bool {
    cfg!(target_arch = "wasm32") && host::is_cancelled()
}

/// Tells the caller how far the work is, in percent (more than 100 counts as 100).
pub fn progress(percent: u8, note: &str) {
    if cfg!(target_arch = "wasm32") {
        host::progress(percent.min(100), note);
    }
}

/// Sends the caller a part of the output before the call ends; counts against the output limit.
pub fn emit(part: &str) {
    if cfg!(target_arch = "wasm32") {
        host::emit(part);
    }
}
