use std::sync::Arc;
use std::time::Duration;

use coworker_policy::gate::{Permit, Pseudonym, StreamTerms};
use coworker_policy::{Capability, Effective, Limits, Tier};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use wasmtime::{CallHook, Engine, Store};

use crate::capability::call::CallState;
use crate::capability::http::HttpState;
use crate::capability::llm::LlmState;
use crate::capability::log::Journal;
use crate::capability::peers::PeersState;
use crate::capability::secret::SecretState;
use crate::capability::state::StateCall;
use crate::capability::wasi::WasiState;
use crate::egress::{self, Guard};
use crate::guest::Guest;
use crate::host_context::HostContext;
use crate::meter::{Meter, YIELD_INTERVAL};
use crate::outcome::{Denials, Denied, Fault, StateWrite, Usage};
use crate::stopped::{Stopped, sort};

/// Resource handles that a guest may hold at once.
const HANDLES: usize = 10_000;
/// Bytes that a guest may always hand over in one step, whatever its output cap: a log line, say.
const TRANSFER: usize = 1024 * 1024;
/// The same for a guest that may ask the language model or other agents, who take as much as that.
const QUESTION: usize = 2 * 1024 * 1024 + 64 * 1024;

/// Whom a run is for, and what it may use.
pub(crate) struct Terms {
    pub(crate) tier: Tier,
    pub(crate) caller: Option<Pseudonym>,
    pub(crate) grants: Effective,
    pub(crate) limits: Limits,
    /// Bytes of the host that the guest may fill with its result.
    pub(crate) result: usize,
    pub(crate) wall: Duration,
    /// Nothing, where there is no caller.
    pub(crate) stream: Option<StreamTerms>,
}

impl Terms {
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

    /// For `describe`: nobody's call, nothing granted, no log kept. Its own assets are mounted beside.
    pub(crate) fn describing() -> Self {
        // A component that embeds an interpreter needs as much memory as any call, even to describe itself.
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

/// One guest's life: a fresh store, watched until it ends. It is never used for a second call.
pub(crate) struct Run {
    store: Store<Guest>,
    limits: Limits,
    started: Instant,
    deadline: Instant,
    stop: CancellationToken,
}

impl Run {
    pub(crate) fn new(engine: &Engine, terms: Terms, around: HostContext) -> Result<Self, Fault> {
        let started = Instant::now();
        let Terms { tier, caller, grants, limits, result, wall, stream } = terms;
        let HostContext { stop, speaker, secrets, state, config, network, model, peers } = around;
        let deadline = started + wall;
        let denials = Denials::default();
        let secrets =
            SecretState::new(grants.secrets(), secrets).map_err(|error| Fault::Engine(error.into()))?;
        let secrets = Arc::new(secrets);
        let guard = Guard::new(egress::Terms {
            rules: grants.http().to_vec(),
            secrets: Arc::clone(&secrets),
            network,
            denials: denials.clone(),
            max_bytes: limits.egress_bytes as u64,
            max_requests: limits.http_requests,
            deadline,
        });
        let asks = grants.contains(Capability::Llm) || grants.contains(Capability::Peers);
        let transfer = limits.output_bytes.max(if asks { QUESTION } else { TRANSFER });
        let journal = Journal::new(limits.log_bytes);
        let guest = Guest {
            meter: Meter::new(&limits),
            grants,
            denials,
            call: CallState { tier, caller, deadline, stop: stop.clone(), speaker, stream, emitted: 0 },
            wasi: WasiState::new(&journal),
            http: HttpState::new(guard),
            llm: LlmState::new(model, limits.llm_calls, limits.llm_tokens),
            peers: PeersState::new(peers, limits.peer_calls, limits.input_bytes),
            journal,
            secrets,
            config,
            state: StateCall::new(state, limits.state_bytes),
        };
        let store = bounded_store(engine, guest, transfer, result.max(transfer)).map_err(Fault::engine)?;
        Ok(Self { store, limits, started, deadline, stop })
    }

    /// Runs `work` until it ends, its time is up or it is called off. Then its future is dropped, which
    /// unwinds the guest wherever it gave way last.
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
            // The guest may have finished in the very step in which it was called off.
            _ if self.stop.is_cancelled() => Ok(Err(Stopped::Cancelled)),
            Err(_) => Ok(Err(Stopped::Deadline)),
            Ok(Ok(value)) => Ok(Ok(value)),
            Ok(Err(error)) => sort(&error, &self.store.data().meter, self.store.hostcall_fuel()).map(Err),
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
            log_bytes: guest.journal.seen(),
            emitted_bytes: guest.call.emitted,
            egress_bytes: guest.http.bytes(),
        }
    }

    pub(crate) fn log(&self) -> String {
        self.store.data().journal.text()
    }

    /// What the guest wants remembered, taken out.
    pub(crate) fn take_state(&mut self) -> Vec<StateWrite> {
        let guest = self.store.data_mut();
        let own = guest.own_bucket();
        guest.state.take_writes(own)
    }

    pub(crate) fn denied(&self) -> Vec<Denied> {
        self.store.data().denials.list()
    }
}

/// Every bound of a store is set here, before any guest code can run in it. A guest may hand over
/// `transfer` bytes with each host call, and `result` bytes with what it returns.
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
    // A guest picks the length of what it hands over; beyond this the host does not allocate.
    store.set_hostcall_fuel(result);
    store.set_max_component_handles(HANDLES);
    // Beneath every interface, of ours and of WASI.
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
