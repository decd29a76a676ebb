use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Deserialize;

use super::PolicyFileError;
use crate::grant::Granted;
use crate::limits::Limits;
use crate::tier::Tier;

/// One `[limits.TIER]`: what is named is moved.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsWire {
    fuel: Option<u64>,
    wall_ms: Option<u64>,
    memory_mib: Option<u64>,
    input_kib: Option<u64>,
    output_kib: Option<u64>,
    log_kib: Option<u64>,
    state_kib: Option<u64>,
    egress_kib: Option<u64>,
    http_requests: Option<u64>,
    host_calls: Option<u64>,
    calls_per_min: Option<u64>,
    concurrent: Option<u64>,
}

/// The limits of every tier: the defaults, room for what was granted further down, and then the owner's word.
pub(super) fn of(
    wires: &BTreeMap<Tier, LimitsWire>,
    granted: &Granted,
) -> Result<[Limits; 4], PolicyFileError> {
    let mut limits = Tier::ALL.map(Limits::of);
    for (tier, limits) in Tier::ALL.into_iter().zip(&mut limits) {
        let reached = granted.grants().iter().filter(|grant| tier >= grant.lowest());
        reached.for_each(|grant| limits.make_room(grant.capability()));
        if let Some(wire) = wires.get(&tier) {
            *limits = wire.over(tier, limits)?;
        }
    }
    Ok(limits)
}

impl LimitsWire {
    /// What is out of range is refused, not cut: the host's pool has no more room, and what holds for all
    /// skills of a caller together (calls at once, calls a minute) one component can only make tighter.
    fn over(&self, tier: Tier, usual: &Limits) -> Result<Limits, PolicyFileError> {
        let all = Limits::of(tier);
        let number = |key, value, range, usual| number(tier, key, value, range, usual);
        let size = |key, value, unit, range, usual| size(tier, key, value, unit, range, usual);
        let (kib, mib) = (1 << 10, 1 << 20);
        Ok(Limits {
            fuel: number("fuel", self.fuel, 1..=1_000_000_000_000, usual.fuel)?,
            wall_ms: number("wall_ms", self.wall_ms, 1..=3_600_000, usual.wall_ms)?,
            memory_bytes: size("memory_mib", self.memory_mib, mib, 1..=64, usual.memory_bytes)?,
            input_bytes: size("input_kib", self.input_kib, kib, 1..=2048, usual.input_bytes)?,
            output_bytes: size("output_kib", self.output_kib, kib, 1..=2048, usual.output_bytes)?,
            log_bytes: size("log_kib", self.log_kib, kib, 0..=16 * 1024, usual.log_bytes)?,
            state_bytes: size("state_kib", self.state_kib, kib, 0..=1 << 20, usual.state_bytes)?,
            egress_bytes: size("egress_kib", self.egress_kib, kib, 0..=1 << 20, usual.egress_bytes)?,
            http_requests: number("http_requests", self.http_requests, 0..=10_000, usual.http_requests)?,
            host_calls: number("host_calls", self.host_calls, 1..=1_000_000_000, usual.host_calls)?,
            calls_per_min: number(
                "calls_per_min",
                self.calls_per_min,
                1..=all.calls_per_min,
                usual.calls_per_min,
            )?,
            concurrent: size("concurrent", self.concurrent, 1, 1..=all.concurrent as u64, usual.concurrent)?,
            ..*usual
        })
    }
}

fn number(
    tier: Tier,
    key: &'static str,
    value: Option<u64>,
    range: RangeInclusive<u64>,
    usual: u64,
) -> Result<u64, PolicyFileError> {
    match value {
        None => Ok(usual),
        Some(value) if range.contains(&value) => Ok(value),
        Some(value) => {
            Err(PolicyFileError::Limit { tier, key, value, min: *range.start(), max: *range.end() })
        }
    }
}

fn size(
    tier: Tier,
    key: &'static str,
    value: Option<u64>,
    unit: usize,
    range: RangeInclusive<u64>,
    usual: usize,
) -> Result<usize, PolicyFileError> {
    let Some(value) = value else { return Ok(usual) };
    let value = number(tier, key, Some(value), range, value)?;
    Ok(usize::try_from(value).unwrap_or(usize::MAX).saturating_mul(unit))
}
