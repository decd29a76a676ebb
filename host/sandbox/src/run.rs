use std::sync::Arc;
use std::time::Duration;

use coworker_policy::gate::{Permit, Pseudonym, StreamTerms};
use coworker_policy::{Capability, Effective, Limits, Tier};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use wasmtime::{CallHook, Engine, Store};

use crate::access::Access;
use crate::capability::call::CallState;
use crate::capability::http::HttpState;
use crate::capability::llm::LlmState;
use crate::capability::log::CallLog;
use crate::capability::peers::PeersState;
use crate::capability::secret::SecretState;
use crate::capability::state::StateView;
use crate::capability::wasi::WasiState;
use crate::egress::{EgressPolicy, Guard};
use crate::fault::Fault;
use crate::guest::Guest;
use crate::host_context::HostContext;
use crate::meter::{Meter, YIELD_INTERVAL};
use crate::outcome::{Denied, StateWrite, Usage};
use crate::stopped::{Stopped, classify};

/// Resource handles that a guest may hold at once.
const HANDLES: usize = 10_000;
/// Bytes that a guest may hand over in one host call even if its output limit is lower, such as a log line.
const TRANSFER: usize = 1024 * 1024;
/// The same limit for a guest that may ask the language model or other agents, whose inputs are larger.
const REQUEST_TRANSFER: usize = 2 * 1024 * 1024 + 64 * 1024;

/// The caller and the limits of one run.
pub(crate) struct RunSpec {
    pub(crate) tier: Tier,
    pub(crate) caller: Option<Pseudonym>,
    pub(crate) grants: Effective,
    pub(crate) limits: Limits,
    /// Bytes of host memory that the guest's result may take.
    pub(crate) result: usize,
    pub(crate) wall: Duration,
    /// `None` if there is no caller.
    pub(crate) stream: Option<StreamTerms>,
}

impl RunSpec {
    pub(crate) fn of(permit: &Permit, result: usize) -> Self {
        Self {
            tier: permit.tier(),
            caller: Some(permit.pseudonym()),
            grants: permit.grants().clone(),
            limits: *permit.limits(),
            result,
            wall: permit.wall(),
            stream: Some(permit.stream_terms()),
        }
    }

    /// A run of `describe`: no caller, no grants, no log. The component's own assets are mounted separately.
    pub(crate) fn describe() -> Self {
        // A component that embeds an interpreter needs this much memory even to describe itself.
        let memory_bytes = Limits::of(Tier::Privileged).memory_bytes;
        let limits = Limits { memory_bytes, log_bytes: 0, ..Limits::of(Tier::Untrusted) };
        Self {
            tier: Tier::Untrusted,
            caller: None,
            grants: Effective::default(),
            limits,
            result: limits.output_bytes,
            wall: limits.wall(),
            stream: None,
        }
    }
}

/// One run of a guest in a fresh store, which is never used again.
pub(crate) struct Run {
    store: Store<Guest>,
    limits: Limits,
    started: Instant,
    deadline: Instant,
    stop: CancellationToken,
}

impl Run {
    pub(crate) fn new(engine: &Engine, spec: RunSpec, context: HostContext) -> Result<Self, Fault> {
        let started = Instant::now();
        let RunSpec { tier, caller, grants, limits, result, wall, stream: terms } = spec;
        let HostContext { stop, stream: sender, secrets, state, config, network, model, peers } = context;
        let deadline = started + wall;
        let access = Access::new(grants);
        let grants = &access.grants;
        let secrets =
            SecretState::new(grants.secrets(), secrets).map_err(|error| Fault::Engine(error.into()))?;
        let secrets = Arc::new(secrets);
        let guard = Guard::new(EgressPolicy {
            rules: grants.http().to_vec(),
            secrets: Arc::clone(&secrets),
            network,
            denials: access.denials.clone(),
            max_bytes: limits.egress_bytes as u64,
            max_requests: limits.http_requests,
            deadline,
        });
        let asks = grants.contains(Capability::Llm) || grants.contains(Capability::Peers);
        let transfer = limits.output_bytes.max(if asks { REQUEST_TRANSFER } else { TRANSFER });
        let log = CallLog::new(limits.log_bytes);
        let guest = Guest {
            meter: Meter::new(&limits),
            access,
            call: CallState { tier, caller, deadline, stop: stop.clone(), sender, terms, emitted: 0 },
            wasi: WasiState::new(&log),
            http: HttpState::new(guard),
            llm: LlmState::new(model, limits.llm_calls, limits.llm_tokens),
            peers: PeersState::new(peers, limits.peer_calls, limits.input_bytes),
            log,
            secrets,
            config,
            state: StateView::new(state, limits.state_bytes),
        };
        let store = bounded_store(engine, guest, transfer, result.max(transfer)).map_err(Fault::engine)?;
        Ok(Self { store, limits, started, deadline, stop })
    }

    /// Runs `work` until it ends, reaches its deadline or is cancelled. Then its future is dropped, which unwinds
    /// the guest at the point where it last yielded.
    pub(crate) async fn until_stopped<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Store<Guest>) -> wasmtime::Result<T>,
    ) -> Result<Result<T, Stopped>, Fault> {
        let ended = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Ok(Err(Stopped::Cancelled)),
            ended = timeout_at(self.deadline, work(&mut self.store)) => ended,
        };
        match ended {
            // The guest may have finished in the same step in which it was cancelled.
            _ if self.stop.is_cancelled() => Ok(Err(Stopped::Cancelled)),
            Err(_) => Ok(Err(Stopped::Deadline)),
            Ok(Ok(value)) => Ok(Ok(value)),
            Ok(Err(error)) => classify(&error, &self.store.data().meter, self.store.hostcall_fuel()).map(Err),
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        let fuel_left = self.store.get_fuel().unwrap_or(0);
        let guest = self.store.data();
        Usage {
            fuel: self.limits.fuel.saturating_sub(fuel_left),
            peak_memory: guest.meter.peak_memory(),
            wall: self.started.elapsed(),
            host_calls: guest.meter.host_calls(),
            log_bytes: guest.log.written(),
            emitted_bytes: guest.call.emitted,
            egress_bytes: guest.http.bytes(),
        }
    }

    pub(crate) fn log(&self) -> String {
        self.store.data().log.text()
    }

    /// Takes out the guest's writes to its state.
    pub(crate) fn take_state(&mut self) -> Vec<StateWrite> {
        let guest = self.store.data_mut();
        guest.state.take_writes(guest.call.caller)
    }

    pub(crate) fn denied(&self) -> Vec<Denied> {
        self.store.data().access.denials.list()
    }
}

/// Sets every limit of a store before any guest code can run in it. A guest may hand over `transfer` bytes with
/// each host call, and `result` bytes as its result.
fn bounded_store(
    engine: &Engine,
    guest: Guest,
    transfer: usize,
    result: usize,
) -> wasmtime::Result<Store<Guest>> {
    let fuel = guest.meter.limits().fuel;
    let mut store = Store::new(engine, guest);
    store.limiter(|guest| &mut guest.meter);
    store.set_fuel(fuel)?;
    store.fuel_async_yield_interval(Some(YIELD_INTERVAL))?;
    // The guest picks the length of a transfer, so the host allocates no more than this for it.
    store.set_hostcall_fuel(result);
    store.set_max_component_handles(HANDLES);
    // Runs for the host calls of every interface, WASI's included.
    store.call_hook(move |mut store, hook| {
        match hook {
            CallHook::CallingHost => {
                store.set_hostcall_fuel(transfer);
                let left = store.get_fuel()?;
                store.data_mut().meter.enter(left)?;
            }
            CallHook::ReturningFromHost => store.set_hostcall_fuel(result),
            _ => {}
        }
        Ok(())
    });
    Ok(store)
}
