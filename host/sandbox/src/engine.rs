use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use wasmtime::{
    Config, Enabled, Engine, Inlining, InstanceAllocationStrategy, PoolingAllocationConfig, WasmFeatures,
};

/// Guests that run at the same time in this process. More wait for a slot, within their own deadline.
pub(crate) const SLOTS: u32 = 64;

/// Largest linear memory that any tier's limits can allow, in bytes.
const MEMORY: usize = 64 * 1024 * 1024;
/// Largest table that any tier's limits can allow, in elements.
const TABLE: usize = 20_000;

/// Written bytes of a guest's memory that are wiped and kept for the next guest; the rest goes back to the
/// system. Costs at most this for each memory that was ever in use at the same time as others: 16 MiB for
/// `SLOTS` guests of one memory, 128 MiB if each had `MEMORIES`.
const RESIDENT: usize = 256 * 1024;

/// What one component may be made of. A component that needs more is refused when it is loaded.
pub(crate) const CORE_INSTANCES: u32 = 30;
pub(crate) const MEMORIES: u32 = 8;
pub(crate) const TABLES: u32 = 32;

/// Frames kept of a trap's backtrace.
const FRAMES: std::num::NonZeroUsize = std::num::NonZeroUsize::new(16).unwrap();

/// The one engine of the process.
///
/// Fuel is the only meter compiled into guests. It stops them exactly and it makes their future give way
/// at every interval, so a deadline or a cancellation drops the future between two of them: wasmtime
/// charges bulk memory operations by the byte, so no single instruction outlasts an interval by much.
/// Epochs on top would only shorten the last interval, and cost every guest another 20 % of its speed.
pub(crate) fn engine() -> wasmtime::Result<Engine> {
    Engine::new(settings().allocation_strategy(InstanceAllocationStrategy::Pooling(pool())))
}

/// Compiles what [`engine`] runs, and runs nothing: it reserves no memory for guests.
pub(crate) fn compiling_engine() -> wasmtime::Result<Engine> {
    Engine::new(&settings())
}

/// Engines that agree in this run each other's compiled code.
pub(crate) fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// Everything but where guests live.
pub(crate) fn settings() -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        // Proposals that no skill needs and that have been the source of escapes or bombs.
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_features(WasmFeatures::THREADS | WasmFeatures::GC | WasmFeatures::FUNCTION_REFERENCES, false)
        .wasm_features(WasmFeatures::EXCEPTIONS | WasmFeatures::STACK_SWITCHING, false)
        .concurrency_support(false)
        // For the adapters that the engine itself puts between the parts of a composed component; it panics
        // without. No module of a guest gets past `inspect` with a second memory.
        .wasm_multi_memory(true)
        // A hostile component inlines into gigabytes of memory at compile time.
        .compiler_inlining(Inlining::No)
        .wasm_backtrace_max_frames(Some(FRAMES));
    config
}

/// Room for `SLOTS` guests, each as large as one may be: a guest cannot take another's place.
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
        // The kernel says which pages a guest wrote, so that only those are wiped.
        .pagemap_scan(Enabled::Auto);
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_worker_compiles_runs_here() {
        let (running, compiling) = (engine().unwrap(), compiling_engine().unwrap());
        assert_eq!(compatibility(&running), compatibility(&compiling));
        let code = compiling.precompile_component(b"\0asm\x0d\0\x01\0").unwrap();
        assert!(crate::cache::deserialize(&running, &code).is_ok());
    }
}
