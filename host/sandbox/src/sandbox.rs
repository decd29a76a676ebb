use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use coworker_policy::gate::Permit;
use coworker_policy::{Descriptor, Digest};
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::cache::{Cache, CatalogSnapshot, deserialize};
use crate::capability::assets::Unpacked;
use crate::capability::{self, files};
use crate::compile::Compiler;
use crate::engine::{SLOTS, engine};
use crate::guest::Guest;
use crate::host_context::HostContext;
use crate::inspect::{BadComponent, Inspection, inspect};
use crate::outcome::{DescribeError, Fault, Outcome, SandboxError};
use crate::prepared::Prepared;
use crate::prescan;
use crate::run::{Run, Terms};
use crate::stopped::Stopped;

/// Runs components. One per process; clones share everything.
#[derive(Clone)]
pub struct Sandbox(Arc<Shared>);

struct Shared {
    engine: Engine,
    linker: Linker<Guest>,
    snapshot: CatalogSnapshot,
    compiler: Compiler,
    loaded: RwLock<HashMap<Digest, Prepared>>,
    assets: Unpacked,
    /// One guest each. Beyond, calls wait within their own deadline.
    slots: Semaphore,
    /// Compiling a hostile component takes all that it may: one at a time, and the same one never twice.
    preparing: Mutex<()>,
}

impl Sandbox {
    pub fn new(cache: Cache, compiler: Compiler) -> Result<Self, SandboxError> {
        let engine = engine().map_err(|error| SandboxError::Engine(error.into()))?;
        let linker = capability::link(&engine).map_err(|error| SandboxError::Engine(error.into()))?;
        let snapshot = CatalogSnapshot::new(cache, &engine).map_err(SandboxError::Cache)?;
        let assets = Unpacked::new(snapshot.dir().to_owned()).map_err(SandboxError::Cache)?;
        Ok(Self(Arc::new(Shared {
            engine,
            linker,
            snapshot,
            compiler,
            loaded: RwLock::default(),
            assets,
            slots: Semaphore::new(SLOTS as usize),
            preparing: Mutex::new(()),
        })))
    }

    /// Compiles a component, or takes it from the cache, and keeps it ready under its digest.
    ///
    /// Compiling is heavy on the processor; it happens on a thread where that harms nobody.
    pub async fn load(&self, wasm: Arc<[u8]>) -> Result<Digest, BadComponent> {
        let sandbox = self.clone();
        tokio::task::spawn_blocking(move || sandbox.prepare(&wasm))
            .await
            .map_err(|error| BadComponent::Compiler(error.into()))?
    }

    pub fn is_loaded(&self, digest: Digest) -> bool {
        self.prepared(digest).is_ok()
    }

    /// Forgets a component. Calls that run it now end as they would have.
    pub fn unload(&self, digest: Digest) {
        self.0.loaded.write().unwrap_or_else(PoisonError::into_inner).remove(&digest);
        self.0.assets.forget(digest);
    }

    /// Asks a component for its skills, with nothing but its own assets and small limits; a plain component says them by
    /// its types, and none of its code runs. Nothing of the answer is believed yet: the number of skills and
    /// every text are the guest's.
    pub async fn describe(&self, digest: Digest) -> Result<Vec<Descriptor>, DescribeError> {
        let prepared = self.prepared(digest)?;
        let assets = self.0.assets.of(digest);
        // Declared first, so that the guest is gone before its slot is free.
        let mut slot = None;
        let mut run = Run::new(&self.0.engine, Terms::describing(), HostContext::default())?;
        let described = run
            .until_stopped(async |store| {
                let _ = slot.insert(self.0.slots.acquire().await?);
                files::mount_assets(store.data_mut(), assets).await?;
                prepared.describe(store).await
            })
            .await??;
        Ok(described)
    }

    /// Runs one permitted call. The only way to run a guest's code for a caller.
    ///
    /// The guest stops when its limits say so, when `around.stop` is cancelled, or when this future is dropped.
    pub async fn run(&self, permit: Permit, around: HostContext) -> Result<Outcome, Fault> {
        let prepared = self.prepared(permit.component())?;
        let max = permit.limits().output_bytes;
        let assets = self.0.assets.of(permit.component());
        // Declared first, so that the guest is gone before its slot is free.
        let mut slot = None;
        let mut run = Run::new(&self.0.engine, Terms::of(&permit, prepared.result_bytes(max)), around)?;
        let answer = run
            .until_stopped(async |store| {
                let _ = slot.insert(self.0.slots.acquire().await?);
                files::mount(store.data_mut(), assets).await?;
                let answer = prepared.invoke(store, &permit).await?;
                store.data_mut().call.finish().await?;
                Ok(answer)
            })
            .await?;
        let result = answer.flatten().and_then(|output| within(output, max));
        // A call without a result leaves nothing behind.
        let state = if result.is_ok() { run.take_state() } else { Vec::new() };
        Ok(Outcome { result, usage: run.usage(), log: run.log(), denied: run.denied(), state })
    }

    fn prepare(&self, wasm: &[u8]) -> Result<Digest, BadComponent> {
        let Inspection { digest, world, .. } = inspect(wasm)?;
        // What is ready need not wait for a component that is being compiled.
        if self.is_loaded(digest) {
            return Ok(digest);
        }
        let _one = self.0.preparing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_loaded(digest) {
            return Ok(digest);
        }
        let component = match self.0.snapshot.load(&self.0.engine, digest) {
            Some(component) => component,
            None => self.compile(wasm, digest)?,
        };
        // What the outline of the component could not tell: the types of single imported functions.
        let rejected = |error: wasmtime::Error| BadComponent::Rejected(error.into());
        let prepared = self.0.linker.instantiate_pre(&component).and_then(|pre| Prepared::new(pre, world));
        let prepared = prepared.map_err(rejected)?;
        self.0.assets.keep(digest, wasm)?;
        self.0.loaded.write().unwrap_or_else(PoisonError::into_inner).insert(digest, prepared);
        Ok(digest)
    }

    fn compile(&self, wasm: &[u8], digest: Digest) -> Result<Component, BadComponent> {
        prescan::check(wasm)?;
        let code = self.0.compiler.compile(&self.0.engine, wasm)?;
        let component =
            deserialize(&self.0.engine, &code).map_err(|error| BadComponent::Rejected(error.into()))?;
        // Without the file the next start compiles again: worth a warning, not a failure.
        if let Err(error) = self.0.snapshot.store(digest, &code) {
            tracing::warn!(%digest, %error, "cannot keep the compiled component");
        }
        Ok(component)
    }

    fn prepared(&self, digest: Digest) -> Result<Prepared, Fault> {
        let loaded = self.0.loaded.read().unwrap_or_else(PoisonError::into_inner);
        loaded.get(&digest).cloned().ok_or(Fault::NotLoaded(digest))
    }
}

fn within(output: String, max: usize) -> Result<String, Stopped> {
    let size = output.len();
    if size > max { Err(Stopped::OutputTooLarge { size, max }) } else { Ok(output) }
}
