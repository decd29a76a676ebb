use super::Limits;
use crate::tier::Tier;

/// One limit that the owner can set in `policy.toml`: `[limits.TIER] NAME = NUMBER`.
///
/// [`LimitKey::ALL`] is the only source of the parser, of the defaults, of the tables in `docs/policy.md` and of the
/// command line's help.
#[derive(Debug)]
pub struct LimitKey {
    pub name: &'static str,
    pub unit: Unit,
    /// The bounded resource.
    pub bounds: &'static str,
    pub scope: Scope,
    /// The defaults for UNTRUSTED, KNOWN, INTERNAL and PRIVILEGED, in units.
    pub defaults: [u64; 4],
    pub min: u64,
    pub max: Max,
    read: fn(&Limits) -> u64,
    write: fn(&mut Limits, u64),
}

/// The unit of a limit in `policy.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    Milliseconds,
    Kib,
    Mib,
}

/// The calls that share one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One call.
    Call,
    /// All calls of the component by one caller.
    Caller,
    /// All calls of each skill by one caller.
    CallerAndSkill,
    /// All calls of the component by all callers of the tier, on one day (UTC).
    TierAndDay,
}

/// The largest value that the owner can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Max {
    Value(u64),
    /// The tier's default. It holds for all skills of a caller together, so one component can only tighten it.
    Default,
}

const THOUSAND: u64 = 1_000;
const MILLION: u64 = 1_000 * THOUSAND;
const BILLION: u64 = 1_000 * MILLION;

/// A row without its bounds.
macro_rules! key {
    ($name:literal, $unit:ident, $scope:ident, $field:ident, $defaults:expr, $min:expr, $max:expr, $bounds:literal) => {
        LimitKey {
            name: $name,
            unit: Unit::$unit,
            bounds: $bounds,
            scope: Scope::$scope,
            defaults: $defaults,
            min: $min,
            max: $max,
            read: |limits| limits.$field as u64 / Unit::$unit.factor(),
            #[allow(
                trivial_numeric_casts,
                clippy::cast_possible_truncation,
                reason = "a value is at most 2⁴⁰ bytes, and hosts have 64 bits"
            )]
            write: |limits, value| limits.$field = (value * Unit::$unit.factor()) as _,
        }
    };
}

impl LimitKey {
    #[rustfmt::skip]
    pub const ALL: [Self; 20] = [
        key!("fuel", Count, Call, fuel, [500 * MILLION, 2 * BILLION, 10 * BILLION, 50 * BILLION], 1, Max::Value(1_000 * BILLION), "instructions, roughly"),
        key!("wall_ms", Milliseconds, Call, wall_ms, [2_000, 10_000, 30_000, 120_000], 1, Max::Value(3_600_000), "time"),
        key!("memory_mib", Mib, Call, memory_bytes, [32, 64, 64, 64], 1, Max::Value(64), "memory"),
        key!("input_kib", Kib, Call, input_bytes, [32, 256, 1024, 2048], 1, Max::Value(2048), "input"),
        key!("output_kib", Kib, Call, output_bytes, [64, 256, 1024, 2048], 1, Max::Value(2048), "result"),
        key!("log_kib", Kib, Call, log_bytes, [64; 4], 0, Max::Value(16 * 1024), "log lines, stdout and stderr (more is dropped)"),
        key!("state_kib", Kib, Call, state_bytes, [0, 256, 1024, 16 * 1024], 0, Max::Value(1 << 20), "the state bucket that the call writes to"),
        key!("egress_kib", Kib, Call, egress_bytes, [0, 0, 4 * 1024, 16 * 1024], 0, Max::Value(1 << 20), "web requests and responses together"),
        key!("http_requests", Count, Call, http_requests, [0, 0, 16, 64], 0, Max::Value(10_000), "web requests, redirects included"),
        key!("llm_calls", Count, Call, llm_calls, [0, 0, 8, 32], 0, Max::Value(1_000), "requests to the language model"),
        key!("llm_tokens", Count, Call, llm_tokens, [0, 0, 64 * 1024, 256 * 1024], 0, Max::Value(BILLION), "tokens of those requests (a third of their bytes) and of the longest answers together"),
        key!("peer_calls", Count, Call, peer_calls, [0, 0, 0, 8], 0, Max::Value(1_000), "calls of other agents' skills"),
        key!("host_calls", Count, Call, host_calls, [100_000; 4], 1, Max::Value(BILLION), "entries into the host"),
        key!("leak_words", Count, Caller, leak_words, [16, 64, 256, 2_000], 0, Max::Value(10_000), "private words in short runs, for good"),
        key!("output_mib_per_day", Mib, Caller, output_bytes_per_day, [64, 1024, 16 * 1024, 1 << 20], 1, Max::Value(1 << 20), "results and parts of results on one day (UTC)"),
        key!("calls_per_min", Count, CallerAndSkill, calls_per_min, [60, 600, 6_000, MILLION], 1, Max::Default, "calls started within any minute; one more is refused"),
        key!("concurrent", Count, CallerAndSkill, concurrent, [1, 4, 8, 8], 1, Max::Default, "calls that run at the same time; more wait"),
        key!("llm_calls_per_day", Count, TierAndDay, llm_calls_per_day, [0, 0, 200, 2_000], 0, Max::Value(MILLION), "requests to the language model"),
        key!("llm_tokens_per_day", Count, TierAndDay, llm_tokens_per_day, [0, 0, MILLION, 10 * MILLION], 0, Max::Value(1_000 * BILLION), "tokens of requests and answers"),
        key!("llm_cents_per_day", Count, TierAndDay, llm_cents_per_day, [0, 0, 100, 1_000], 0, Max::Value(BILLION), "hundredths of the currency of your prices, if you set prices"),
    ];

    /// The names of all keys, in the order of the table.
    pub(crate) const NAMES: [&'static str; Self::ALL.len()] = {
        let mut names = [""; Self::ALL.len()];
        let mut i = 0;
        while i < names.len() {
            names[i] = Self::ALL[i].name;
            i += 1;
        }
        names
    };

    /// The value of this limit, in its unit.
    pub fn value(&self, limits: &Limits) -> u64 {
        (self.read)(limits)
    }

    pub(crate) fn set(&self, limits: &mut Limits, value: u64) {
        (self.write)(limits, value);
    }

    /// The largest value that the owner can set for a tier, in its unit.
    pub fn max(&self, tier: Tier) -> u64 {
        match self.max {
            Max::Value(max) => max,
            Max::Default => self.defaults[tier as usize],
        }
    }
}

impl Unit {
    /// The bytes, milliseconds or things in one unit.
    const fn factor(self) -> u64 {
        match self {
            Self::Count | Self::Milliseconds => 1,
            Self::Kib => 1 << 10,
            Self::Mib => 1 << 20,
        }
    }

    /// A name to read behind a number; empty for plain counts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "",
            Self::Milliseconds => "ms",
            Self::Kib => "KiB",
            Self::Mib => "MiB",
        }
    }
}
