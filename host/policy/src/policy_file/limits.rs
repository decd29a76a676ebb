use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Deserialize;
use toml::Spanned;

use super::{Lines, PolicyFileError};
use crate::grant::Granted;
use crate::limits::Limits;
use crate::tier::Tier;

/// One `[limits.TIER]`: what is named is moved.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsWire {
    fuel: Option<Spanned<u64>>,
    wall_ms: Option<Spanned<u64>>,
    memory_mib: Option<Spanned<u64>>,
    input_kib: Option<Spanned<u64>>,
    output_kib: Option<Spanned<u64>>,
    log_kib: Option<Spanned<u64>>,
    state_kib: Option<Spanned<u64>>,
    egress_kib: Option<Spanned<u64>>,
    http_requests: Option<Spanned<u64>>,
    llm_calls: Option<Spanned<u64>>,
    llm_tokens: Option<Spanned<u64>>,
    llm_calls_per_day: Option<Spanned<u64>>,
    llm_tokens_per_day: Option<Spanned<u64>>,
    llm_cents_per_day: Option<Spanned<u64>>,
    peer_calls: Option<Spanned<u64>>,
    host_calls: Option<Spanned<u64>>,
    leak_words: Option<Spanned<u64>>,
    output_mib_per_day: Option<Spanned<u64>>,
    calls_per_min: Option<Spanned<u64>>,
    concurrent: Option<Spanned<u64>>,
}

/// The limits of every tier: the defaults, room for what was granted further down, and then the owner's word.
pub(super) fn of(
    wires: &BTreeMap<Tier, LimitsWire>,
    granted: &Granted,
    lines: Lines<'_>,
) -> Result<[Limits; 4], PolicyFileError> {
    let mut limits = Tier::ALL.map(Limits::of);
    for (tier, limits) in Tier::ALL.into_iter().zip(&mut limits) {
        let reached = granted.grants().iter().filter(|grant| tier >= grant.lowest());
        reached.for_each(|grant| limits.make_room(grant.capability()));
        if let Some(wire) = wires.get(&tier) {
            *limits = wire.over(tier, limits, lines)?;
        }
    }
    Ok(limits)
}

impl LimitsWire {
    /// What is out of range is refused, not cut: the host's pool has no more room, and what holds for all
    /// skills of a caller together (calls at once, calls a minute) one component can only make tighter.
    fn over(&self, tier: Tier, usual: &Limits, lines: Lines<'_>) -> Result<Limits, PolicyFileError> {
        let all = Limits::of(tier);
        let of = Reading { tier, lines };
        let (kib, mib) = (1 << 10, 1 << 20);
        let usual = &self.over_asking(&of, usual)?;
        Ok(Limits {
            fuel: of.number("fuel", self.fuel.as_ref(), 1..=1_000_000_000_000, usual.fuel)?,
            wall_ms: of.number("wall_ms", self.wall_ms.as_ref(), 1..=3_600_000, usual.wall_ms)?,
            memory_bytes: of.size("memory_mib", self.memory_mib.as_ref(), mib, 1..=64, usual.memory_bytes)?,
            input_bytes: of.size("input_kib", self.input_kib.as_ref(), kib, 1..=2048, usual.input_bytes)?,
            output_bytes: of.size(
                "output_kib",
                self.output_kib.as_ref(),
                kib,
                1..=2048,
                usual.output_bytes,
            )?,
            log_bytes: of.size("log_kib", self.log_kib.as_ref(), kib, 0..=16 * 1024, usual.log_bytes)?,
            state_bytes: of.size(
                "state_kib",
                self.state_kib.as_ref(),
                kib,
                0..=1 << 20,
                usual.state_bytes,
            )?,
            egress_bytes: of.size(
                "egress_kib",
                self.egress_kib.as_ref(),
                kib,
                0..=1 << 20,
                usual.egress_bytes,
            )?,
            http_requests: of.number(
                "http_requests",
                self.http_requests.as_ref(),
                0..=10_000,
                usual.http_requests,
            )?,
            host_calls: of.number(
                "host_calls",
                self.host_calls.as_ref(),
                1..=1_000_000_000,
                usual.host_calls,
            )?,
            leak_words: of.number("leak_words", self.leak_words.as_ref(), 0..=10_000, usual.leak_words)?,
            output_bytes_per_day: of.bytes_per_day(self.output_mib_per_day.as_ref(), usual)?,
            calls_per_min: of.number(
                "calls_per_min",
                self.calls_per_min.as_ref(),
                1..=all.calls_per_min,
                usual.calls_per_min,
            )?,
            concurrent: of.size(
                "concurrent",
                self.concurrent.as_ref(),
                1,
                1..=all.concurrent as u64,
                usual.concurrent,
            )?,
            ..*usual
        })
    }

    /// What is asked of others: the language model, other agents.
    fn over_asking(&self, of: &Reading<'_>, usual: &Limits) -> Result<Limits, PolicyFileError> {
        let billion = 1_000_000_000;
        let read =
            |key, value: &Option<Spanned<u64>>, max, usual| of.number(key, value.as_ref(), 0..=max, usual);
        Ok(Limits {
            llm_calls: read("llm_calls", &self.llm_calls, 1_000, usual.llm_calls)?,
            llm_tokens: read("llm_tokens", &self.llm_tokens, billion, usual.llm_tokens)?,
            llm_calls_per_day: read(
                "llm_calls_per_day",
                &self.llm_calls_per_day,
                1_000_000,
                usual.llm_calls_per_day,
            )?,
            llm_tokens_per_day: read(
                "llm_tokens_per_day",
                &self.llm_tokens_per_day,
                1_000 * billion,
                usual.llm_tokens_per_day,
            )?,
            llm_cents_per_day: read(
                "llm_cents_per_day",
                &self.llm_cents_per_day,
                billion,
                usual.llm_cents_per_day,
            )?,
            peer_calls: read("peer_calls", &self.peer_calls, 1_000, usual.peer_calls)?,
            ..*usual
        })
    }
}

/// One tier's numbers, as they are read.
struct Reading<'a> {
    tier: Tier,
    lines: Lines<'a>,
}

impl Reading<'_> {
    fn number(
        &self,
        key: &'static str,
        value: Option<&Spanned<u64>>,
        range: RangeInclusive<u64>,
        usual: u64,
    ) -> Result<u64, PolicyFileError> {
        let Some(written) = value else { return Ok(usual) };
        let value = *written.get_ref();
        if range.contains(&value) {
            return Ok(value);
        }
        let (line, min, max) = (self.lines.of(written), *range.start(), *range.end());
        Err(PolicyFileError::Limit { line, tier: self.tier, key, value, min, max })
    }

    fn bytes_per_day(&self, mib: Option<&Spanned<u64>>, usual: &Limits) -> Result<u64, PolicyFileError> {
        let usual = usual.output_bytes_per_day >> 20;
        Ok(self.number("output_mib_per_day", mib, 1..=1 << 20, usual)? << 20)
    }

    fn size(
        &self,
        key: &'static str,
        value: Option<&Spanned<u64>>,
        unit: usize,
        range: RangeInclusive<u64>,
        usual: usize,
    ) -> Result<usize, PolicyFileError> {
        if value.is_none() {
            return Ok(usual);
        }
        let value = self.number(key, value, range, 0)?;
        Ok(usize::try_from(value).unwrap_or(usize::MAX).saturating_mul(unit))
    }
}

/// Limits by their keys in the file, in its units.
pub(crate) fn keys(limits: &Limits) -> [(&'static str, u64); 20] {
    let kib = |bytes: usize| (bytes >> 10) as u64;
    [
        ("fuel", limits.fuel),
        ("wall_ms", limits.wall_ms),
        ("memory_mib", (limits.memory_bytes >> 20) as u64),
        ("input_kib", kib(limits.input_bytes)),
        ("output_kib", kib(limits.output_bytes)),
        ("log_kib", kib(limits.log_bytes)),
        ("state_kib", kib(limits.state_bytes)),
        ("egress_kib", kib(limits.egress_bytes)),
        ("http_requests", limits.http_requests),
        ("llm_calls", limits.llm_calls),
        ("llm_tokens", limits.llm_tokens),
        ("llm_calls_per_day", limits.llm_calls_per_day),
        ("llm_tokens_per_day", limits.llm_tokens_per_day),
        ("llm_cents_per_day", limits.llm_cents_per_day),
        ("peer_calls", limits.peer_calls),
        ("host_calls", limits.host_calls),
        ("leak_words", limits.leak_words),
        ("output_mib_per_day", limits.output_bytes_per_day >> 20),
        ("calls_per_min", limits.calls_per_min),
        ("concurrent", limits.concurrent as u64),
    ]
}
