use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use coworker_policy::gate::{Caller, Pace, Recent};
use coworker_policy::{Limits, Tier};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::clock::now_ms;

/// The calls that wait or run now, so that taking trust away can stop them.
#[derive(Default)]
pub(crate) struct Running {
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    next: u64,
    by_id: HashMap<u64, Entry>,
    turns: HashMap<(Caller, Tier), Arc<Semaphore>>,
    /// By the limit, too: the owner may change it while calls wait.
    skill_turns: HashMap<(Caller, String, usize), Arc<Semaphore>>,
    recent: HashMap<Caller, Recent>,
}

struct Entry {
    caller: Caller,
    skill: String,
    stop: CancellationToken,
}

/// One call's entry; it leaves the list when this is dropped.
pub(crate) struct Ticket {
    running: Arc<Running>,
    id: u64,
    /// Calls of the same caller that were there before this one.
    pub(crate) before: usize,
    pub(crate) stop: CancellationToken,
}

impl Running {
    /// Enters a call. It is entered before the caller's standing is read, so that a revocation either is
    /// seen by the gates or finds the call here.
    pub(crate) fn enter(self: &Arc<Self>, caller: Caller, skill: &str) -> Ticket {
        let mut calls = self.lock();
        let before = calls.by_id.values().filter(|entry| entry.caller == caller).count();
        let id = calls.next;
        calls.next += 1;
        let stop = CancellationToken::new();
        calls.by_id.insert(id, Entry { caller, skill: skill.to_owned(), stop: stop.clone() });
        Ticket { running: Arc::clone(self), id, before, stop }
    }

    /// How many of this caller's calls may run at once; the others wait here, in order.
    pub(crate) fn turns(&self, caller: Caller, tier: Tier) -> Arc<Semaphore> {
        let turns = || Arc::new(Semaphore::new(Limits::of(tier).concurrent));
        Arc::clone(self.lock().turns.entry((caller, tier)).or_insert_with(turns))
    }

    /// The same for one skill, by its component's own limit.
    pub(crate) fn skill_turns(&self, caller: Caller, skill: &str, limit: usize) -> Arc<Semaphore> {
        let key = (caller, skill.to_owned(), limit);
        Arc::clone(self.lock().skill_turns.entry(key).or_insert_with(|| Arc::new(Semaphore::new(limit))))
    }

    /// Counts a call that begins now, and tells how many this caller began within the last minute.
    pub(crate) fn pace(&self, caller: Caller, skill: &str, tier: Tier) -> Pace {
        let now_ms = u64::try_from(now_ms()).unwrap_or_default();
        let mut calls = self.lock();
        calls.recent.retain(|_, recent| !recent.is_over(now_ms));
        calls.recent.entry(caller).or_default().arrive(now_ms, skill, tier)
    }

    pub(crate) fn revoke_caller(&self, caller: Caller) {
        self.stop_where(|entry| entry.caller == caller);
    }

    pub(crate) fn revoke_skill(&self, skill: &str) {
        self.stop_where(|entry| entry.skill == skill);
    }

    fn stop_where(&self, matches: impl Fn(&Entry) -> bool) {
        self.lock().by_id.values().filter(|entry| matches(entry)).for_each(|entry| entry.stop.cancel());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut calls = self.running.lock();
        let Some(entry) = calls.by_id.remove(&self.id) else { return };
        if !calls.by_id.values().any(|other| other.caller == entry.caller) {
            calls.turns.retain(|(caller, _), _| *caller != entry.caller);
            calls.skill_turns.retain(|(caller, _, _), _| *caller != entry.caller);
        }
    }
}
