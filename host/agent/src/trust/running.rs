use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use coworker_policy::gate::{CallRate, Caller, RecentCalls};
use coworker_policy::{Limits, RequestId, Tier};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::base::clock::Clock;

/// The calls that wait or run now, so that taking trust away can stop them.
pub(crate) struct Running {
    calls: Mutex<Calls>,
    clock: Clock,
}

#[derive(Default)]
struct Calls {
    next: u64,
    by_id: HashMap<u64, Entry>,
    turns: HashMap<(Caller, Tier), Arc<Semaphore>>,
    /// Also by the limit, which the owner may change while calls wait.
    skill_turns: HashMap<(Caller, String, usize), Arc<Semaphore>>,
    recent: HashMap<Caller, RecentCalls>,
}

struct Entry {
    caller: Caller,
    skill: String,
    root: RequestId,
    task: RequestId,
    stop: CancellationToken,
    why: Arc<OnceLock<Why>>,
}

/// The reason why a call is stopped that could go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The owner took trust or the skill away.
    Revoked,
    /// The caller no longer wants the answer.
    Cancelled,
}

/// One call's entry; it leaves the list when this is dropped.
pub(crate) struct CallGuard {
    running: Arc<Running>,
    id: u64,
    /// Calls of the same caller that were there before this one.
    pub(crate) before: usize,
    /// Calls of the same caller in the last minute. A call that runs again is not counted again.
    pub(crate) rate: CallRate,
    /// Names all calls that one first call led to, here and elsewhere.
    pub(crate) root: RequestId,
    /// True if the same skill ran here for the same first call when this call came.
    pub(crate) is_cycle: bool,
    pub(crate) stop: CancellationToken,
    why: Arc<OnceLock<Why>>,
}

impl CallGuard {
    /// The reason why the call must end, if it must.
    pub(crate) fn why(&self) -> Option<Why> {
        self.stop.is_cancelled().then(|| self.why.get().copied()).flatten()
    }
}

impl Running {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { calls: Mutex::default(), clock }
    }

    /// Enters a call before the caller's tier is read, so that a revocation is either seen by the gates or finds the
    /// call here.
    pub(crate) fn enter(
        self: &Arc<Self>,
        caller: Caller,
        skill: &str,
        task: RequestId,
        tier: Tier,
    ) -> CallGuard {
        self.enter_of(caller, skill, task, tier, None)
    }

    /// Enters a call that another call led to; `root` names the first of them.
    pub(crate) fn enter_of(
        self: &Arc<Self>,
        caller: Caller,
        skill: &str,
        task: RequestId,
        tier: Tier,
        root: Option<RequestId>,
    ) -> CallGuard {
        let mut calls = self.lock();
        // A call that is being stopped does not count.
        let same =
            |entry: &Entry| Some(entry.root) == root && entry.skill == skill && !entry.stop.is_cancelled();
        let is_cycle = calls.by_id.values().any(same);
        let root = root.unwrap_or_else(RequestId::random);
        let rate = calls.rate(self.clock.now_ms(), caller, skill, tier);
        let before = calls.by_id.values().filter(|entry| entry.caller == caller).count();
        let id = calls.next;
        calls.next += 1;
        let (stop, why) = (CancellationToken::new(), Arc::default());
        let entry =
            Entry { caller, skill: skill.to_owned(), root, task, stop: stop.clone(), why: Arc::clone(&why) };
        calls.by_id.insert(id, entry);
        CallGuard { running: Arc::clone(self), id, before, rate, root, is_cycle, stop, why }
    }

    /// Turns for this caller's calls: it bounds how many run at once, and the others wait in order.
    pub(crate) fn turns(&self, caller: Caller, tier: Tier) -> Arc<Semaphore> {
        let turns = || Arc::new(Semaphore::new(Limits::of(tier).concurrent));
        Arc::clone(self.lock().turns.entry((caller, tier)).or_insert_with(turns))
    }

    /// Turns for one skill, by its component's own limit.
    pub(crate) fn skill_turns(&self, caller: Caller, skill: &str, limit: usize) -> Arc<Semaphore> {
        let key = (caller, skill.to_owned(), limit);
        Arc::clone(self.lock().skill_turns.entry(key).or_insert_with(|| Arc::new(Semaphore::new(limit))))
    }

    pub(crate) fn revoke_caller(&self, caller: Caller) {
        self.stop_where(Why::Revoked, |entry| entry.caller == caller);
    }

    pub(crate) fn revoke_skill(&self, skill: &str) {
        self.stop_where(Why::Revoked, |entry| entry.skill == skill);
    }

    /// Returns false if this caller has no such call here. Another caller's call is out of reach, whichever id is
    /// named.
    pub(crate) fn cancel(&self, caller: Caller, task: RequestId) -> bool {
        self.stop_where(Why::Cancelled, |entry| entry.caller == caller && entry.task == task) > 0
    }

    fn stop_where(&self, why: Why, matches: impl Fn(&Entry) -> bool) -> usize {
        let calls = self.lock();
        let stopped = calls.by_id.values().filter(|entry| matches(entry)).map(|entry| {
            // The first reason is the one that counts.
            let _ = entry.why.set(why);
            entry.stop.cancel();
        });
        stopped.count()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calls {
    /// Counts a call that begins now. Returns the number of calls that this caller began within the last minute.
    fn rate(&mut self, now_ms: i64, caller: Caller, skill: &str, tier: Tier) -> CallRate {
        let now_ms = u64::try_from(now_ms).unwrap_or_default();
        self.recent.retain(|_, recent| !recent.is_empty(now_ms));
        self.recent.entry(caller).or_default().arrive(now_ms, skill, tier)
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        let mut calls = self.running.lock();
        let Some(entry) = calls.by_id.remove(&self.id) else { return };
        if !calls.by_id.values().any(|other| other.caller == entry.caller) {
            calls.turns.retain(|(caller, _), _| *caller != entry.caller);
            calls.skill_turns.retain(|(caller, _, _), _| *caller != entry.caller);
        }
    }
}
