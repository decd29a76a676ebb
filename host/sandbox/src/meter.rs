use coworker_policy::Limits;
use wasmtime::ResourceLimiter;

use crate::engine::{CORE_INSTANCES, MEMORIES, TABLES};

/// Fuel between two points at which a guest gives way, about 50 µs of work.
pub(crate) const YIELD_INTERVAL: u64 = 100_000;

/// What one call has used of its limits. Fuel is counted by the engine itself.
pub(crate) struct Meter {
    limits: Limits,
    memory: usize,
    peak_memory: usize,
    table_elements: usize,
    refused_memory: bool,
    host_calls: u64,
    /// The guest gives way when its fuel is down to this.
    next_pause: u64,
}

/// The guest entered the host more often than its limits allow.
#[derive(Debug, thiserror::Error)]
#[error("the budget of host calls is spent")]
pub(crate) struct HostCallsSpent;

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            memory: 0,
            peak_memory: 0,
            table_elements: 0,
            refused_memory: false,
            host_calls: 0,
            next_pause: limits.fuel.saturating_sub(YIELD_INTERVAL),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Bytes of all linear memories of the call, at their largest.
    pub(crate) fn peak_memory(&self) -> usize {
        self.peak_memory
    }

    /// Whether the guest wanted more memory than it may have.
    pub(crate) fn refused_memory(&self) -> bool {
        self.refused_memory
    }

    /// Entries into the host, growth of memories and tables included.
    pub(crate) fn host_calls(&self) -> u64 {
        self.host_calls
    }

    /// Counts one entry into the host; `fuel_left` is the guest's fuel at that moment.
    ///
    /// Host time burns no fuel, so a guest that only calls the host is stopped here. The engine also enters
    /// the host to let the guest give way, once per interval of fuel; such an entry is paid for and not
    /// counted. A call that happens to come first in a new interval takes its place, and it then takes the
    /// call's: the count stays right.
    pub(crate) fn enter(&mut self, fuel_left: u64) -> Result<(), HostCallsSpent> {
        if fuel_left <= self.next_pause {
            self.next_pause = fuel_left.saturating_sub(YIELD_INTERVAL);
            return Ok(());
        }
        self.host_calls += 1;
        if self.host_calls <= self.limits.host_calls { Ok(()) } else { Err(HostCallsSpent) }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        let fits = total <= self.limits.memory_bytes;
        if fits {
            self.memory = total;
            self.peak_memory = self.peak_memory.max(total);
        }
        self.refused_memory |= !fits;
        Ok(fits)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.table_elements.saturating_add(desired.saturating_sub(current));
        let fits = total <= self.limits.table_elements;
        if fits {
            self.table_elements = total;
        }
        Ok(fits)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }
}
