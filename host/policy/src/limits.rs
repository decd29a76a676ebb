use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::capability::Capability;
use crate::tier::Tier;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// Wall time of a call that waits for somebody else to think, in milliseconds.
const WAITING_MS: u64 = 120_000;

/// How much one call may use. Set by the caller's tier; nobody but the owner can move them.
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
    /// Times the guest may enter the host: host time burns no fuel.
    pub host_calls: u64,
    /// The input, in bytes of JSON.
    pub input_bytes: usize,
    /// The result, in bytes of JSON.
    pub output_bytes: usize,
    /// Log lines, stdout and stderr together, in bytes; what is over is dropped.
    pub log_bytes: usize,
    /// The bucket that a call writes to, in bytes of keys and values.
    pub state_bytes: usize,
    /// Web requests and their responses together, in bytes.
    pub egress_bytes: usize,
    /// Web requests that are sent, redirects included.
    pub http_requests: u64,
    /// Private words of the component that may leave for one caller, in all calls together and for good: those
    /// in runs too short to be a leak by themselves.
    pub leak_words: u64,
    /// Results and parts of results that one caller may receive of the component on one day (UTC), in bytes.
    pub output_bytes_per_day: u64,
    /// Questions to the language model.
    pub llm_calls: u64,
    /// Tokens of those questions, estimated before they are sent, and of their longest answers together.
    pub llm_tokens: u64,
    /// What one component may ask the language model on one day (UTC) for all callers of the tier together.
    pub llm_calls_per_day: u64,
    /// As `llm_tokens`, of all questions of the day.
    pub llm_tokens_per_day: u64,
    /// Hundredths of the currency in which the owner gave the model's price. 0 lets nothing through that has a
    /// price.
    pub llm_cents_per_day: u64,
    /// Calls of other agents' skills.
    pub peer_calls: u64,
    /// Calls of one caller that start within any minute; one more is refused.
    pub calls_per_min: u64,
    /// Calls of one caller that run at the same time; more wait for their turn.
    pub concurrent: usize,
    /// Calls of one caller that wait or run; one more is refused.
    pub pending: usize,
}

impl Limits {
    /// The defaults for callers of a tier.
    pub const fn of(tier: Tier) -> Self {
        let base = Self {
            fuel: 2_000_000_000,
            wall_ms: 10_000,
            memory_bytes: 64 * MIB,
            table_elements: 20_000,
            host_calls: 100_000,
            input_bytes: 256 * KIB,
            output_bytes: 256 * KIB,
            log_bytes: 64 * KIB,
            state_bytes: 256 * KIB,
            egress_bytes: 0,
            http_requests: 0,
            leak_words: 64,
            output_bytes_per_day: 1024 * MIB as u64,
            llm_calls: 0,
            llm_tokens: 0,
            llm_calls_per_day: 0,
            llm_tokens_per_day: 0,
            llm_cents_per_day: 0,
            peer_calls: 0,
            calls_per_min: 600,
            concurrent: 4,
            pending: 512,
        };
        match tier {
            Tier::Untrusted => Self {
                fuel: 500_000_000,
                wall_ms: 2_000,
                memory_bytes: 32 * MIB,
                input_bytes: 32 * KIB,
                output_bytes: 64 * KIB,
                state_bytes: 0,
                leak_words: 16,
                output_bytes_per_day: 64 * MIB as u64,
                calls_per_min: 60,
                concurrent: 1,
                pending: 16,
                ..base
            },
            Tier::Known => base,
            Tier::Internal => Self {
                fuel: 10_000_000_000,
                wall_ms: 30_000,
                input_bytes: MIB,
                output_bytes: MIB,
                state_bytes: MIB,
                egress_bytes: 4 * MIB,
                http_requests: 16,
                leak_words: 256,
                output_bytes_per_day: 16 * 1024 * MIB as u64,
                llm_calls: 8,
                llm_tokens: 64 * 1024,
                llm_calls_per_day: 200,
                llm_tokens_per_day: 1_000_000,
                llm_cents_per_day: 100,
                calls_per_min: 6_000,
                concurrent: 8,
                ..base
            },
            Tier::Privileged => Self {
                fuel: 50_000_000_000,
                wall_ms: 120_000,
                input_bytes: 2 * MIB,
                output_bytes: 2 * MIB,
                state_bytes: 16 * MIB,
                egress_bytes: 16 * MIB,
                http_requests: 64,
                leak_words: 2_000,
                output_bytes_per_day: 1024 * 1024 * MIB as u64,
                llm_calls: 32,
                llm_tokens: 256 * 1024,
                llm_calls_per_day: 2_000,
                llm_tokens_per_day: 10_000_000,
                llm_cents_per_day: 1_000,
                peer_calls: 8,
                // As good as the owner: only what no workflow does.
                calls_per_min: 1_000_000,
                concurrent: 8,
                ..base
            },
        }
    }

    /// The defaults where the owner granted `capability` below its own lowest tier: a grant without room to
    /// use it would be none. Wherever it was granted, waiting for a language model or another agent takes time.
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
