use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use coworker_policy::gate::Permit;
use coworker_policy::{Descriptor, Digest};
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::bad_component::BadComponent;
use crate::cache::{Cache, CompiledCache, deserialize};
use crate::capability::assets::UnpackedAssets;
use crate::capability::{self, files};
use crate::compile::Compiler;
use crate::engine::{SLOTS, engine};
use crate::fault::{Fault, SandboxError};
use crate::guest::Guest;
use crate::host_context::HostContext;
use crate::inspect::{Inspection, inspect};
use crate::outcome::{DescribeError, Outcome};
use crate::prepared::Prepared;
use crate::prescan;
use crate::run::{Run, RunSpec};
use crate::stopped::Stopped;

/// Runs components. A process has one; clones share it.
#[derive(Clone)]
pub struct Sandbox(Arc<Shared>);

struct Shared {
    engine: Engine,
    linker: Linker<Guest>,
    cache: CompiledCache,
    compiler: Compiler,
    loaded: RwLock<HashMap<Digest, Prepared>>,
    assets: UnpackedAssets,
    /// One per running guest. Further calls wait within their own deadline.
    slots: Semaphore,
    /// Held while a component is compiled: a hostile one takes all the resources that it may, so only one is
    /// compiled at a time, and the same one not twice.
    preparing: Mutex<()>,
}

impl Sandbox {
    pub fn new(cache: Cache, compiler: Compiler) -> Result<Self, SandboxError> {
        let engine = engine().map_err(|error| SandboxError::Engine(error.into()))?;
        let linker = capability::link(&engine).map_err(|error| SandboxError::Engine(error.into()))?;
        let cache = CompiledCache::new(cache, &engine).map_err(SandboxError::Cache)?;
        let assets = UnpackedAssets::new(cache.dir().to_owned()).map_err(SandboxError::Cache)?;
        Ok(Self(Arc::new(Shared {
            engine,
            linker,
            cache,
            compiler,
            loaded: RwLock::default(),
            assets,
            slots: Semaphore::new(SLOTS as usize),
            preparing: Mutex::new(()),
        })))
    }

    /// Compiles a component, or loads it from the cache, and keeps it ready under its digest. Works on a
    /// blocking thread.
    pub async fn load(&self, wasm: Arc<[u8]>) -> Result<Digest, BadComponent> {
        let sandbox = self.clone();
        tokio::task::spawn_blocking(move || sandbox.prepare(&wasm))
            .await
            .map_err(|error| BadComponent::Compiler(error.into()))?
    }

    pub fn is_loaded(&self, digest: Digest) -> bool {
        self.prepared(digest).is_ok()
    }

    /// Unloads a component. Calls that are running it continue.
    pub fn unload(&self, digest: Digest) {
        self.0.loaded.write().unwrap_or_else(PoisonError::into_inner).remove(&digest);
        self.0.assets.forget(digest);
    }

    /// Asks a component for its skills, with no grants but its own assets and with small limits. The skills of a
    /// plain component follow from its types, so none of its code runs. The answer is untrusted: the guest
    /// chooses the number of skills and every text.
    pub async fn describe(&self, digest: Digest) -> Result<Vec<Descriptor>, DescribeError> {
        let prepared = self.prepared(digest)?;
        let assets = self.0.assets.of(digest);
        // Declared first, so that the guest is dropped before its slot is free.
        let mut slot = None;
        let mut run = Run::new(&self.0.engine, RunSpec::describe(), HostContext::default())?;
        let described = run
            .until_stopped(async |store| {
                let _ = slot.insert(self.0.slots.acquire().await?);
                let guest = store.data_mut();
                files::mount_assets(&mut guest.wasi, &guest.access, &guest.log, assets).await?;
                prepared.describe(store).await
            })
            .await??;
        Ok(described)
    }

    /// Runs one permitted call. This is the only way to run a guest's code for a caller.
    ///
    /// The guest stops at its limits, when `context.stop` is cancelled, or when this future is dropped.
    pub async fn run(&self, permit: Permit, context: HostContext) -> Result<Outcome, Fault> {
        let prepared = self.prepared(permit.component())?;
        let max = permit.limits().output_bytes;
        let assets = self.0.assets.of(permit.component());
        // Declared first, so that the guest is dropped before its slot is free.
        let mut slot = None;
        let spec = RunSpec::of(&permit, prepared.result_bytes(max));
        let mut run = Run::new(&self.0.engine, spec, context)?;
        let answer = run
            .until_stopped(async |store| {
                let _ = slot.insert(self.0.slots.acquire().await?);
                let guest = store.data_mut();
                files::mount(&mut guest.wasi, &guest.access, &guest.log, assets).await?;
                let answer = prepared.invoke(store, &permit).await?;
                store.data_mut().call.finish().await?;
                Ok(answer)
            })
            .await?;
        let result = answer.flatten().and_then(|output| within(output, max));
        // A call without a result changes no state.
        let state = if result.is_ok() { run.take_state() } else { Vec::new() };
        Ok(Outcome { result, usage: run.usage(), log: run.log(), denied: run.denied(), state })
    }

    fn prepare(&self, wasm: &[u8]) -> Result<Digest, BadComponent> {
        let Inspection { digest, world, .. } = inspect(wasm)?;
        // A loaded component does not wait for another one that is being compiled.
        if self.is_loaded(digest) {
            return Ok(digest);
        }
        let _one = self.0.preparing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_loaded(digest) {
            return Ok(digest);
        }
        let component = match self.0.cache.load(&self.0.engine, digest) {
            Some(component) => component,
            None => self.compile(wasm, digest)?,
        };
        // Linking also checks the types of imported functions, which `inspect` does not.
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
        // Not fatal: without the file, the next start compiles again.
        if let Err(error) = self.0.cache.store(digest, &code) {
            tracing::warn!(%digest, %error, "cannot write a compiled component to the cache");
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
