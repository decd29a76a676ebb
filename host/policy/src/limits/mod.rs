mod key;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::capability::Capability;
use crate::tier::Tier;

pub use key::{LimitKey, Max, Scope, Unit};

/// Wall time of a call that waits for a language model or another agent, in milliseconds.
const WAITING_MS: u64 = 120_000;

/// The resources that one call may use, by the caller's tier. Only the owner can change them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Units of wasmtime fuel, roughly one per instruction.
    pub fuel: u64,
    /// Wall time, in milliseconds.
    pub wall_ms: u64,
    /// All linear memories of the call together, in bytes.
    pub memory_bytes: usize,
    /// Elements in all tables of the call together.
    pub table_elements: usize,
    /// Entries of the guest into the host. Bounded because host time burns no fuel.
    pub host_calls: u64,
    /// The input, in bytes of JSON.
    pub input_bytes: usize,
    /// The result, in bytes of JSON.
    pub output_bytes: usize,
    /// Log lines, stdout and stderr together, in bytes; more is dropped.
    pub log_bytes: usize,
    /// The state bucket that a call writes to, in bytes of keys and values.
    pub state_bytes: usize,
    /// Web requests and their responses together, in bytes.
    pub egress_bytes: usize,
    /// Web requests that are sent, redirects included.
    pub http_requests: u64,
    /// Private words in runs too short to be a leak that may leave for one caller, in all its calls and for good.
    pub leak_words: u64,
    /// Results and parts of results that one caller may receive from the component on one day (UTC), in bytes.
    pub output_bytes_per_day: u64,
    /// Requests to the language model.
    pub llm_calls: u64,
    /// Tokens of those requests, estimated before they are sent, and of their longest answers together.
    pub llm_tokens: u64,
    /// Requests of one component to the language model on one day (UTC), for all callers of the tier together.
    pub llm_calls_per_day: u64,
    /// As `llm_tokens`, for all requests of the day.
    pub llm_tokens_per_day: u64,
    /// Hundredths of the currency of the owner's prices. With 0, no request to a model that has a price is sent.
    pub llm_cents_per_day: u64,
    /// Calls of other agents' skills.
    pub peer_calls: u64,
    /// Calls of one caller that start within any minute; one more is refused.
    pub calls_per_min: u64,
    /// Calls of one caller that run at the same time; more wait.
    pub concurrent: usize,
    /// Calls of one caller that wait or run; one more is refused.
    pub pending: usize,
}

impl Limits {
    const NONE: Self = Self {
        fuel: 0,
        wall_ms: 0,
        memory_bytes: 0,
        table_elements: 0,
        host_calls: 0,
        input_bytes: 0,
        output_bytes: 0,
        log_bytes: 0,
        state_bytes: 0,
        egress_bytes: 0,
        http_requests: 0,
        leak_words: 0,
        output_bytes_per_day: 0,
        llm_calls: 0,
        llm_tokens: 0,
        llm_calls_per_day: 0,
        llm_tokens_per_day: 0,
        llm_cents_per_day: 0,
        peer_calls: 0,
        calls_per_min: 0,
        concurrent: 0,
        pending: 0,
    };

    /// The defaults for callers of a tier.
    pub fn of(tier: Tier) -> Self {
        let pending = if tier == Tier::Untrusted { 16 } else { 512 };
        let mut limits = Self { table_elements: 20_000, pending, ..Self::NONE };
        for key in &LimitKey::ALL {
            key.set(&mut limits, key.defaults[tier as usize]);
        }
        limits
    }

    /// Raises the defaults of a tier to which the owner granted `capability`, because a grant below the lowest tier
    /// would be useless with limits of 0. Language models and other agents also need time to answer.
    pub(crate) fn make_room(&mut self, capability: Capability) {
        let least = Self::of(capability.lowest_tier());
        match capability {
            Capability::State => self.state_bytes = self.state_bytes.max(least.state_bytes),
            Capability::Http => {
                self.egress_bytes = self.egress_bytes.max(least.egress_bytes);
                self.http_requests = self.http_requests.max(least.http_requests);
            }
            Capability::Llm => {
                self.llm_calls = self.llm_calls.max(least.llm_calls);
                self.llm_tokens = self.llm_tokens.max(least.llm_tokens);
                self.llm_calls_per_day = self.llm_calls_per_day.max(least.llm_calls_per_day);
                self.llm_tokens_per_day = self.llm_tokens_per_day.max(least.llm_tokens_per_day);
                self.llm_cents_per_day = self.llm_cents_per_day.max(least.llm_cents_per_day);
                self.wall_ms = self.wall_ms.max(WAITING_MS);
            }
            Capability::Peers => {
                self.peer_calls = self.peer_calls.max(least.peer_calls);
                self.wall_ms = self.wall_ms.max(WAITING_MS);
            }
            _ => {}
        }
    }

    pub const fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms)
    }
}
