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
    entries: u64,
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
            entries: 0,
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

    /// Counts one entry into the host; `fuel_left` is the guest's fuel at that moment.
    ///
    /// Host time burns no fuel, so a guest that only calls the host is stopped here.
    pub(crate) fn enter(&mut self, fuel_left: u64) -> Result<(), HostCallsSpent> {
        self.entries += 1;
        if self.entries <= self.limits.host_calls || self.host_calls(fuel_left) <= self.limits.host_calls {
            Ok(())
        } else {
            Err(HostCallsSpent)
        }
    }

    /// Entries so far without those in which the guest merely gave way, at most one per fuel interval.
    pub(crate) fn host_calls(&self, fuel_left: u64) -> u64 {
        let used = self.limits.fuel.saturating_sub(fuel_left);
        self.entries.saturating_sub(used / YIELD_INTERVAL)
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
