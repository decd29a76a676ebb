//! Measures one call in a fresh instance: in the sandbox, and in wasmtime alone.

#![allow(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

mod bindings {
    #![allow(
        clippy::pedantic,
        dead_code,
        unreachable_pub,
        unsafe_code,
        reason = "generated from wit/, for hosts that link imports, too"
    )]

    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "skill",
        imports: { default: async },
        exports: { default: async },
    });
}
#[allow(dead_code, unused_imports, reason = "only the sandbox compiles in a process of its own")]
#[path = "../src/engine.rs"]
mod engine;
#[allow(dead_code, unused_imports, unused_macros, reason = "the tests need more of it")]
#[path = "../../../tests/guests/harness.rs"]
mod harness;
#[allow(dead_code, reason = "the sandbox reads more of it than a raw store")]
#[path = "../src/meter.rs"]
mod meter;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bindings::SkillPre;
use coworker_leak::{Account, Guard, Private};
use coworker_policy::gate::{self, Call, CallRate, Caller, CallerState, Disclosure, Permit, Recipients};
use coworker_policy::{Capability, Card, Descriptor, Digest, Grants, Limits, Listing, PeerId, Skill, Tier};
use coworker_sandbox::{HostContext, Sandbox};
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion};
use meter::{Meter, YIELD_INTERVAL};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use wasmtime::component::{Component, Linker};
use wasmtime::{CallHook, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

const TIER: Tier = Tier::Known;
const INPUT: &str = r#"{"text": "hello"}"#;
/// A text that does not change between versions.
const TEXT: &str = include_str!("../../../LICENSE");

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .without_plots()
        .configure_from_args();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let echo = harness::component(include_str!("../../../tests/guests/echo.wat"));
    let mut group = criterion.benchmark_group("call");
    raw(&mut group, &runtime, &echo);
    sandboxed(&mut group, &runtime, echo);
    group.finish();
    criterion.final_summary();
}

/// wasmtime alone, then with one protection after another.
fn raw(group: &mut BenchmarkGroup<'_, WallTime>, runtime: &Runtime, wasm: &[u8]) {
    let bare = bare();
    let mut layer = |name: &str, engine: &Engine, store: &dyn Fn() -> Store<Meter>| {
        let prepared = prepare(engine, wasm);
        group.bench_function(name, |bencher| {
            bencher.to_async(runtime).iter(|| invoke(store(), &prepared));
        });
    };
    let plain = |engine: &Engine| Store::new(engine, Meter::new(&Limits::of(TIER)));
    layer("wasmtime", &bare, &|| plain(&bare));
    let pooled = pooled();
    layer("pool", &pooled, &|| plain(&pooled));
    let ours = engine::engine().unwrap();
    layer("fuel", &ours, &|| fuelled(plain(&ours)));
    layer("limiter", &ours, &|| limited(fuelled(plain(&ours))));
    layer("host_calls", &ours, &|| counted(limited(fuelled(plain(&ours)))));
}

/// wasmtime at its fastest: pooled, no page returned between calls, without meters and limits.
fn bare() -> Engine {
    let mut pool = PoolingAllocationConfig::default();
    pool.linear_memory_keep_resident(2 * 1024 * 1024);
    let mut config = Config::new();
    config.concurrency_support(false).allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).unwrap()
}

/// The sandbox's engine without fuel: memory is limited and zeroed between calls.
fn pooled() -> Engine {
    let mut config = engine::settings();
    config.consume_fuel(false).allocation_strategy(InstanceAllocationStrategy::Pooling(engine::pool()));
    Engine::new(&config).unwrap()
}

fn fuelled(mut store: Store<Meter>) -> Store<Meter> {
    store.set_fuel(Limits::of(TIER).fuel).unwrap();
    store.fuel_async_yield_interval(Some(YIELD_INTERVAL)).unwrap();
    store
}

fn limited(mut store: Store<Meter>) -> Store<Meter> {
    store.limiter(|meter| meter);
    store
}

fn counted(mut store: Store<Meter>) -> Store<Meter> {
    store.call_hook(|mut store, hook| {
        if let CallHook::CallingHost = hook {
            let left = store.get_fuel()?;
            store.data_mut().enter(left)?;
        }
        Ok(())
    });
    store
}

fn prepare<T: Send + 'static>(engine: &Engine, wasm: &[u8]) -> SkillPre<T> {
    let component = Component::from_binary(engine, wasm).unwrap();
    SkillPre::new(Linker::new(engine).instantiate_pre(&component).unwrap()).unwrap()
}

async fn invoke<T: Send + 'static>(mut store: Store<T>, prepared: &SkillPre<T>) -> String {
    let skill = prepared.instantiate_async(&mut store).await.unwrap();
    skill.call_invoke(&mut store, "guest", INPUT).await.unwrap().unwrap()
}

/// The sandbox as the agent uses it, with permits from the gates.
fn sandboxed(group: &mut BenchmarkGroup<'_, WallTime>, runtime: &Runtime, echo: Vec<u8>) {
    let dir = TempDir::new().unwrap();
    let sandbox = harness::sandbox(&dir, [1; 32]);
    let text = serde_json::json!({ "text": TEXT }).to_string();
    let cases = [
        ("sandbox", echo, INPUT),
        ("about", example("about"), "{}"),
        ("summarize", example("summarize"), &text),
    ];
    for (name, wasm, input) in cases {
        let skill = runtime.block_on(install(&sandbox, wasm));
        group.bench_function(name, |bencher| {
            bencher.to_async(runtime).iter_batched(
                || permit(&skill, input),
                async |permit| sandbox.run(permit, HostContext::default()).await.unwrap().result.unwrap(),
                BatchSize::SmallInput,
            );
        });
        group.bench_function(format!("gates_{name}"), |bencher| bencher.iter(|| permit(&skill, input)));
    }
}

fn example(name: &str) -> Vec<u8> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../example-skills/built");
    std::fs::read(built.join(name).with_extension("wasm")).unwrap()
}

async fn install(sandbox: &Sandbox, wasm: Vec<u8>) -> Arc<Skill> {
    let digest: Digest = sandbox.load(wasm.into()).await.unwrap();
    let descriptor: Descriptor = sandbox.describe(digest).await.unwrap().remove(0);
    let card = Card::try_from(descriptor).unwrap();
    Arc::new(Skill::new(card, digest, imports(), Listing::Exposed { from: TIER }, Arc::default()).unwrap())
}

fn imports() -> Grants {
    Capability::ALWAYS.into_iter().collect()
}

/// Passes one call through the gates.
fn permit(skill: &Arc<Skill>, input: &str) -> Permit {
    let call = Call {
        caller: Caller::Peer(PeerId::from_bytes([7; 32])),
        skill: skill.card().name.to_string(),
        input: input.to_owned(),
        version: None,
        timeout: None,
        delegation: None,
    };
    let call = gate::trust(call, CallerState { tier: TIER, pending: 0, rate: CallRate::default() }).unwrap();
    let call = gate::listing(call, Some(skill)).unwrap();
    let call = gate::version(call).unwrap();
    let call = gate::grants(gate::input(call).unwrap(), harness::PSEUDONYM);
    match gate::disclosure(call, Recipients::CallerOnly) {
        Disclosure::OwnerOnly(call) => call.permit(),
        Disclosure::Leaves(call) => {
            let nothing_private = Guard::new(Arc::new(Private::of(0, [], &[])), [], []);
            call.permit(nothing_private, Account::default(), 0).0
        }
    }
}
