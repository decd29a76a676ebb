//! A peer's request, from the row on disk to the answer on disk.

use std::time::Duration;

use coworker_channel::{Delegation, PartOf};
use coworker_policy::gate::{self, Call, Caller, CallerState};
use coworker_policy::trust::Misdeed;
use coworker_policy::{PeerId, RequestId, Text, Tier};
use coworker_sandbox::Stopped;
use coworker_store::{Inbound, InboundState};
use tokio::time::{Instant, sleep_until};

use crate::serve::answer::encoded;
use crate::serve::calls::Calls;
use crate::serve::failure::Failure;
use crate::serve::inbound::{Arrival, ended_early, from_now};
use crate::serve::on_served::ServedCall;
use crate::serve::receipts;
use crate::serve::record::Record;
use crate::serve::served::Served;
use crate::serve::stream::Audience;
use crate::state::{StateError, Transaction, audit};
use crate::trust::running::{CallGuard, Why};

/// A peer's request, on disk.
pub(crate) struct Request {
    id: RequestId,
    row: Inbound,
}

impl Calls {
    /// Serves one peer's request in a task of its own. It is entered at once, so that the peer's next message, which
    /// may cancel it, finds it.
    pub(crate) fn begin(&self, request: Request) {
        let (caller, skill) = (Caller::Peer(request.row.peer), request.row.skill.as_str());
        let delegation = request.delegation();
        let at_most = delegation.map_or(Tier::Privileged, |delegation| delegation.at_most);
        let tier = at_most.min(self.trust.tier_of(caller));
        let root = delegation.map(|delegation| delegation.root);
        let guard = self.trust.running().enter_of(caller, skill, request.id, tier, root);
        self.core.tasks.spawn(self.clone().serve(request, guard));
    }

    /// Serves one peer's request to the end: its answer is on disk, and on its way if the peer is connected.
    async fn serve(self, request: Request, guard: CallGuard) {
        let Some(served) = self.while_wanted(&request, &guard).await else {
            // The request stays on disk, and the next process takes it up.
            return self.keep_disclosed_now(request.row.peer, request.row.skill).await;
        };
        let (answer, reply) = encoded(request.id, served.ending());
        let receipt = receipts::draft(&self.identity, request.id, &request.row, &served, &answer);
        let delegation = request.judged(&guard);
        let Request { id, row: Inbound { peer, skill, part_of, .. } } = request;
        show_log(&skill, served.log());

        let caller = Caller::Peer(peer);
        let too_many = self.too_many(caller, &guard, delegation);
        let cancelled = guard.why() == Some(Why::Cancelled);
        let refused = served.refusal_before_run().is_some() || too_many;
        let misdeed = self.misdeed(caller, &served, delegation);
        let well = served.ending().is_ok();
        let record = Record::of(&self, caller, &skill, served).by_caller(too_many, cancelled);
        let calls = self.clone();
        let done = self.state.run(move |tx| {
            if let Some(misdeed) = misdeed {
                calls.trust.misbehaved(tx, peer, misdeed)?;
            }
            record.write(tx, id, Some(peer), &skill)?;
            // A refused request had no effect that a second one could double.
            if refused {
                tx.store.forget_task(peer, id)?;
            } else {
                tx.store.task_done(peer, id, &reply)?;
            }
            tx.post_encoded(peer, Some(id), &reply)?;
            if well {
                let call = ServedCall { peer, id, skill: &skill, part_of: part_of.as_deref() };
                calls.on_served.served(tx, &call)?;
            }
            receipt.map_or(Ok(()), |draft| receipts::issue(tx, peer, id, &draft))
        });
        if let Err(error) = done.await {
            tracing::error!(%peer, %error, "an answer was lost; the peer will ask again");
        }
        drop(guard);
        self.links.deliver_mail(peer);
    }

    /// The caller's misdeed, if the call was refused for one.
    fn misdeed(
        &self,
        caller: Caller,
        served: &Served,
        delegation: Option<gate::Delegation>,
    ) -> Option<Misdeed> {
        let Err(Failure::Refused(refusal)) = served.ending() else { return None };
        let own = self.trust.tier_of(caller);
        let judged = delegation.map_or(own, |delegation| own.min(delegation.at_most));
        Misdeed::of_call(refusal, own, judged)
    }

    /// True if a call was one too many for its caller. It may end in another way, for example cancelled, before it
    /// meets the gate that refuses it; and nothing but that gate bounds the number of calls.
    fn too_many(&self, caller: Caller, guard: &CallGuard, delegation: Option<gate::Delegation>) -> bool {
        let state = CallerState { tier: self.trust.tier_of(caller), pending: guard.before, rate: guard.rate };
        let (skill, input) = (String::new(), String::new());
        let call = Call { caller, skill, input, version: None, timeout: None, delegation };
        gate::trust(call, state).is_err()
    }

    /// Runs a request for as long as its caller waits. While a caller with a timeout is away nothing runs; the request
    /// runs again if the caller is back in time. Returns `None` if the agent stops.
    async fn while_wanted(&self, request: &Request, guard: &CallGuard) -> Option<Served> {
        let Request { id, row } = request;
        let until = time_left(row, self.core.clock.now_ms()).map(from_now);
        let mut caller = self.links.presence().of(row.peer);
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let away = async {
                match until {
                    Some(_) => caller.gone().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.core.stop.cancelled() => return None,
                () = away => {}
                served = self.pass(request.arrival(guard, left)) => return Some(served),
            }
            self.cut_off(request).await;
            tokio::select! {
                biased;
                () = self.core.stop.cancelled() => return None,
                () = guard.stop.cancelled() => {}
                () = caller.back() => continue,
                () = sleep_until(until.unwrap_or_else(Instant::now)) => {}
            }
            tracing::debug!(%id, "nobody waits for this call any more");
            return Some(Served::NotRun(ended_early(guard).unwrap_or(Stopped::Deadline.into())));
        }
    }

    /// Answers a request that the caller cancelled and that nobody serves here.
    pub(crate) async fn cancel_unserved(&self, peer: PeerId, id: RequestId) -> Result<(), StateError> {
        let cancel = move |tx: &mut Transaction<'_>| {
            let row = tx.store.inbound(peer, id)?.filter(|row| row.state != InboundState::Done);
            let Some(row) = row else { return Ok(()) };
            audit::cancelled(tx, id, peer, &row.skill)?;
            let (_, reply) = encoded(id, Err(&Stopped::Cancelled.into()));
            tx.store.task_done(peer, id, &reply)?;
            tx.post_encoded(peer, Some(id), &reply)
        };
        self.state.run(cancel).await
    }

    /// Takes up the requests that had no answer when the last process ended. They run again: a guest has no effect
    /// outside its answer, and an answer that was not committed was not sent.
    pub(crate) async fn take_up(&self) -> Result<(), StateError> {
        let requests = self.state.run(|tx| {
            let rows = tx.store.unfinished()?.into_iter();
            let requests: Vec<_> = rows.map(|row| Request::new(row.id, row)).collect();
            // The runs that the end of the process cut off have no other end in the audit log.
            requests.iter().try_for_each(|request| request.interrupted(tx))?;
            Ok(requests)
        });
        requests.await?.into_iter().for_each(|request| self.begin(request));
        Ok(())
    }

    async fn cut_off(&self, request: &Request) {
        let row = Inbound { input: String::new(), ..request.row.clone() };
        let cut_off = Request { id: request.id, row };
        let calls = self.clone();
        let note = move |tx: &mut Transaction<'_>| {
            calls.keep_disclosed(tx, cut_off.row.peer, &cut_off.row.skill)?;
            cut_off.interrupted(tx)
        };
        if let Err(error) = self.state.run(note).await {
            tracing::error!(%error, "cannot note that a call was cut off");
        }
    }

    /// Writes down the private text that a call disclosed and that ended without an answer: parts of it may have left.
    fn keep_disclosed(&self, tx: &mut Transaction<'_>, peer: PeerId, skill: &str) -> Result<(), StateError> {
        let snapshot = self.catalog.snapshot();
        self.leaks.keep(tx, peer, snapshot.lineage(skill))
    }

    /// Does the same for a call that the end of the agent cut off.
    async fn keep_disclosed_now(&self, peer: PeerId, skill: String) {
        let calls = self.clone();
        if let Err(error) = self.state.run(move |tx| calls.keep_disclosed(tx, peer, &skill)).await {
            tracing::error!(%peer, %error, "the private text that left for a peer is not written down");
        }
    }
}

/// A guest's lines go to the owner's log, as plain text, and nowhere else.
fn show_log(skill: &str, log: &str) {
    for line in log.lines() {
        tracing::info!(target: "skill", skill, "{}", Text::sanitized(line));
    }
}

impl Request {
    pub(crate) fn new(id: RequestId, row: Inbound) -> Self {
        Self { id, row }
    }

    fn arrival<'a>(&self, guard: &'a CallGuard, timeout: Option<Duration>) -> Arrival<'a> {
        let row = &self.row;
        let (skill, input) = (row.skill.clone(), row.input.clone());
        let version = row.version.clone();
        let delegation = self.judged(guard);
        let call = Call { caller: Caller::Peer(row.peer), skill, input, version, timeout, delegation };
        let audience = Audience::Peer(row.peer);
        Arrival { id: self.id, call, expires_ms: row.expires_ms, guard, audience }
    }

    /// The delegation that the caller states. One that cannot be read any more is served as UNTRUSTED.
    fn delegation(&self) -> Option<Delegation> {
        let lowest = || Delegation { root: self.id, depth: u8::MAX, at_most: Tier::Untrusted };
        let part_of = self.row.part_of.as_deref().map(PartOf::from_text)?;
        part_of.map_or_else(|_| Some(lowest()), |part_of| part_of.delegation)
    }

    fn judged(&self, guard: &CallGuard) -> Option<gate::Delegation> {
        let delegation = self.delegation()?;
        Some(gate::Delegation {
            depth: delegation.depth,
            at_most: delegation.at_most,
            is_cycle: guard.is_cycle,
        })
    }

    /// Notes that a run of this request was cut off, if there was one.
    fn interrupted(&self, tx: &mut Transaction<'_>) -> Result<(), StateError> {
        let Self { id, row } = self;
        if tx.store.task_interrupted(row.peer, row.id)? {
            audit::interrupted(tx, *id, Some(row.peer), &row.skill)?;
        }
        Ok(())
    }
}

/// The time left of the caller's timeout, which runs from the request's arrival. A clock that is set back must not
/// extend it.
fn time_left(row: &Inbound, now_ms: i64) -> Option<Duration> {
    let waited = u64::try_from(now_ms.saturating_sub(row.at_ms)).unwrap_or_default();
    row.timeout_ms.map(|timeout| Duration::from_millis(timeout.saturating_sub(waited)))
}
