use std::time::Duration;

use coworker_policy::gate::{Permit, Pseudonym};
use coworker_policy::{Effective, Limits, Tier};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use wasmtime::{CallHook, Engine, Store};

use crate::capability::call::CallState;
use crate::capability::log::Journal;
use crate::capability::wasi::WasiState;
use crate::guest::Guest;
use crate::meter::{Meter, YIELD_INTERVAL};
use crate::outcome::{Denials, Denied, Fault, Usage};
use crate::stopped::{Stopped, sort};
use crate::surroundings::Surroundings;

/// Resource handles that a guest may hold at once.
const HANDLES: usize = 10_000;
/// Bytes that a guest may always hand over in one step, whatever its output cap: a log line, say.
const TRANSFER: usize = 1024 * 1024;

/// Whom a run is for, and what it may use.
pub(crate) struct Terms {
    pub(crate) tier: Tier,
    pub(crate) caller: Option<Pseudonym>,
    pub(crate) grants: Effective,
    pub(crate) limits: Limits,
    pub(crate) wall: Duration,
}

impl Terms {
    pub(crate) fn of(permit: &Permit) -> Self {
        Self {
            tier: permit.tier(),
            caller: Some(permit.pseudonym()),
            grants: permit.grants().clone(),
            limits: *permit.limits(),
            wall: permit.wall(),
        }
    }

    /// For `describe`: nobody's call, nothing granted, no log kept.
    pub(crate) fn describing() -> Self {
        /// A component that embeds an interpreter needs all the memory there is, even for this.
        const MEMORY: usize = Limits::of(Tier::Privileged).memory_bytes;
        let limits = Limits { memory_bytes: MEMORY, log_bytes: 0, ..Limits::of(Tier::Untrusted) };
        Self {
            tier: Tier::Untrusted,
            caller: None,
            grants: Effective::default(),
            limits,
            wall: limits.wall(),
        }
    }
}

/// One guest's life: a fresh store, watched until it ends. It is never used for a second call.
pub(crate) struct Run {
    store: Store<Guest>,
    limits: Limits,
    transfer: usize,
    started: Instant,
    deadline: Instant,
    stop: CancellationToken,
}

impl Run {
    pub(crate) fn new(engine: &Engine, terms: Terms, around: Surroundings) -> Result<Self, Fault> {
        let started = Instant::now();
        let Terms { tier, caller, grants, limits, wall } = terms;
        let Surroundings { stop, .. } = around;
        let deadline = started + wall;
        let journal = Journal::new(limits.log_bytes);
        let guest = Guest {
            meter: Meter::new(&limits),
            grants,
            denials: Denials::default(),
            call: CallState { tier, caller, deadline, stop: stop.clone(), emitted: 0 },
            wasi: WasiState::new(&journal),
            journal,
        };
        let transfer = limits.output_bytes.max(TRANSFER);
        let store = bounded_store(engine, guest, transfer).map_err(Fault::engine)?;
        Ok(Self { store, limits, transfer, started, deadline, stop })
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
            Ok(Err(error)) => sort(&error, &self.store.data().meter, self.transfer).map(Err),
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
            egress_bytes: 0,
        }
    }

    pub(crate) fn log(&self) -> String {
        self.store.data().journal.text()
    }

    pub(crate) fn denied(&self) -> Vec<Denied> {
        self.store.data().denials.list()
    }
}

/// Every bound of a store is set here, before any guest code can run in it.
fn bounded_store(engine: &Engine, guest: Guest, transfer: usize) -> wasmtime::Result<Store<Guest>> {
    let fuel = guest.meter.limits().fuel;
    let mut store = Store::new(engine, guest);
    store.limiter(|guest| &mut guest.meter);
    store.set_fuel(fuel)?;
    store.fuel_async_yield_interval(Some(YIELD_INTERVAL))?;
    // A guest picks the length of what it hands over; beyond this the host does not allocate.
    store.set_hostcall_fuel(transfer);
    store.set_max_component_handles(HANDLES);
    // Beneath every interface, of ours and of WASI.
    store.call_hook(|mut store, hook| match hook {
        CallHook::CallingHost => {
            let left = store.get_fuel()?;
            Ok(store.data_mut().meter.enter(left)?)
        }
        _ => Ok(()),
    });
    Ok(store)
}
