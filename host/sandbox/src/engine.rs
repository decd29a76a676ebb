use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use wasmtime::{
    Config, Enabled, Engine, Inlining, InstanceAllocationStrategy, PoolingAllocationConfig, WasmFeatures,
};

/// Guests that run at the same time in this process. Further calls wait for a slot, within their own deadline.
pub(crate) const SLOTS: u32 = 64;

/// Largest linear memory that any tier's limits can allow, in bytes.
const MEMORY: usize = 64 * 1024 * 1024;
/// Largest table that any tier's limits can allow, in elements.
const TABLE: usize = 20_000;

/// Written bytes of a guest's memory that are zeroed and kept for the next guest; the rest is returned to the
/// system. Costs at most this much for each memory in use at the same time: 16 MiB for `SLOTS` guests of one
/// memory, 128 MiB for guests of `MEMORIES`.
const RESIDENT: usize = 256 * 1024;

/// Most parts of one component. A component that needs more is refused when it is loaded.
pub(crate) const CORE_INSTANCES: u32 = 30;
pub(crate) const MEMORIES: u32 = 8;
pub(crate) const TABLES: u32 = 32;

/// Frames kept of a trap's backtrace.
const FRAMES: std::num::NonZeroUsize = std::num::NonZeroUsize::new(16).unwrap();

/// Builds the engine of the process.
///
/// Fuel is the only meter compiled into guests. It stops a guest exactly, and the guest's future yields at every
/// interval of fuel, where a deadline or a cancellation drops it. wasmtime charges bulk memory operations by the
/// byte, so no single instruction exceeds an interval by much. Epochs would only shorten the last interval and
/// cost every guest another 20 % of its speed.
pub(crate) fn engine() -> wasmtime::Result<Engine> {
    Engine::new(settings().allocation_strategy(InstanceAllocationStrategy::Pooling(pool())))
}

/// Builds an engine that only compiles code for [`engine`]. It reserves no memory for guests.
pub(crate) fn compiling_engine() -> wasmtime::Result<Engine> {
    Engine::new(&settings())
}

/// A hash of everything that compiled code depends on. Engines with the same hash run each other's code.
pub(crate) fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// All settings except the allocation of guests' memory.
pub(crate) fn settings() -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        // No skill needs these proposals, and they have been the source of sandbox escapes.
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_features(WasmFeatures::THREADS | WasmFeatures::GC | WasmFeatures::FUNCTION_REFERENCES, false)
        .wasm_features(WasmFeatures::EXCEPTIONS | WasmFeatures::STACK_SWITCHING, false)
        .concurrency_support(false)
        // The engine's own adapters between the parts of a composed component need it; it panics without.
        // `inspect` refuses a guest's module with a second memory.
        .wasm_multi_memory(true)
        // Inlining a hostile component takes gigabytes of memory at compile time.
        .compiler_inlining(Inlining::No)
        .wasm_backtrace_max_frames(Some(FRAMES));
    config
}

/// A pool for `SLOTS` guests of the largest allowed size, so that no guest can take the memory of another.
pub(crate) fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.max_memory_size(MEMORY)
        .table_elements(TABLE)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .total_component_instances(SLOTS)
        .total_core_instances(SLOTS * CORE_INSTANCES)
        .total_memories(SLOTS * MEMORIES)
        .total_tables(SLOTS * TABLES)
        .total_stacks(SLOTS)
        .linear_memory_keep_resident(RESIDENT)
        // Zeroes only the pages that the guest wrote, where the kernel can list them.
        .pagemap_scan(Enabled::Auto);
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_engine_loads_code_of_the_compiling_engine() {
        let (running, compiling) = (engine().unwrap(), compiling_engine().unwrap());
        assert_eq!(compatibility(&running), compatibility(&compiling));
        let code = compiling.precompile_component(b"\0asm\x0d\0\x01\0").unwrap();
        assert!(crate::cache::deserialize(&running, &code).is_ok());
    }
}
