use coworker_policy::Limits;
use wasmtime::ResourceLimiter;

use crate::engine::{CORE_INSTANCES, MEMORIES, TABLES};

/// Fuel between two points at which a guest yields, about 50 µs of work.
pub(crate) const YIELD_INTERVAL: u64 = 100_000;

/// Counts one call's use of memory, tables and host calls against its limits. The engine counts fuel.
pub(crate) struct Meter {
    limits: Limits,
    memory: usize,
    peak_memory: usize,
    table_elements: usize,
    refused_memory: bool,
    host_calls: u64,
    /// The guest yields when its fuel is down to this.
    next_yield: u64,
}

/// The guest entered the host more often than its limits allow.
#[derive(Debug, thiserror::Error)]
#[error("the call's limit of host calls is reached")]
pub(crate) struct HostCallLimitReached;

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            memory: 0,
            peak_memory: 0,
            table_elements: 0,
            refused_memory: false,
            host_calls: 0,
            next_yield: limits.fuel.saturating_sub(YIELD_INTERVAL),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Largest size of all linear memories of the call together, in bytes.
    pub(crate) fn peak_memory(&self) -> usize {
        self.peak_memory
    }

    /// Whether the guest was refused memory.
    pub(crate) fn refused_memory(&self) -> bool {
        self.refused_memory
    }

    /// Entries into the host, including growth of memories and tables.
    pub(crate) fn host_calls(&self) -> u64 {
        self.host_calls
    }

    /// Counts one entry into the host. `fuel_left` is the guest's fuel at that moment.
    ///
    /// Host time burns no fuel, so only this limit stops a guest that only calls the host. The engine also
    /// enters the host once per interval of fuel, to let the guest yield; those entries are not counted. If a host
    /// call is the first entry of an interval, it is taken for the yield and the yield for the call, so the count
    /// stays right.
    pub(crate) fn enter(&mut self, fuel_left: u64) -> Result<(), HostCallLimitReached> {
        if fuel_left <= self.next_yield {
            self.next_yield = fuel_left.saturating_sub(YIELD_INTERVAL);
            return Ok(());
        }
        self.host_calls += 1;
        if self.host_calls <= self.limits.host_calls { Ok(()) } else { Err(HostCallLimitReached) }
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
