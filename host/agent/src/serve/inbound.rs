//! The path of one call, through the gates to the guest and back.

use std::time::Duration;

use coworker_policy::gate::{self, Call, CallerState, CheckedOutput, GrantedCall, OutputTerms};
use coworker_policy::{Refusal, RequestId};
use coworker_sandbox::{Outcome, Stopped, StreamSender};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::model::CallModel;
use crate::serve::audited;
use crate::serve::calls::Calls;
use crate::serve::delegated_calls::DelegatedCalls;
use crate::serve::failure::Failure;
use crate::serve::host_context;
use crate::serve::leaks::Watched;
use crate::serve::pseudonyms::pseudonym;
use crate::serve::served::{Begun, Run, Served};
use crate::serve::stream::{self, Audience};
use crate::state::StateError;
use crate::trust::running::{CallGuard, Why};

/// One call as it meets the gates. A call that was cut off meets them again.
pub(crate) struct Arrival<'a> {
    pub(crate) id: RequestId,
    pub(crate) call: Call,
    /// The moment from which it must not begin.
    pub(crate) expires_ms: Option<i64>,
    pub(crate) guard: &'a CallGuard,
    pub(crate) audience: Audience<'a>,
}

impl Calls {
    /// Serves one call. A call that was stopped from outside ends as stopped, even if its path returned something
    /// else: a component that was removed fails in its own ways, and its errors would reveal that.
    pub(crate) async fn pass(&self, arrival: Arrival<'_>) -> Served {
        let guard = arrival.guard;
        let served = self.path(arrival).await.unwrap_or_else(Served::NotRun);
        match ended_early(guard) {
            Some(failure) => served.ended_by(failure),
            None => served,
        }
    }

    /// The whole path: gates, audit row, guest, gate. Each step takes a type that only the step before it makes.
    async fn path(&self, arrival: Arrival<'_>) -> Result<Served, Failure> {
        let Arrival { id, mut call, expires_ms, guard, audience } = arrival;
        let (caller, passed_on) = (call.caller, call.delegation.map_or(0, |delegation| delegation.depth));
        let state = CallerState { tier: self.trust.tier_of(caller), pending: guard.before, rate: guard.rate };
        // A call that expires waits no longer than that, in the queue either.
        let left = gate::expiry(expires_ms, self.core.clock.now_ms());
        call.timeout = call.timeout.into_iter().chain(left.clone().ok().flatten()).min();
        let until = call.timeout.map(from_now);
        let snapshot = self.catalog.snapshot();

        let call = gate::trust(call, state)?;
        left?;
        let skill = snapshot.find(call.skill());
        let call = gate::listing(call, skill)?;
        let call = gate::version(call)?;
        let call = gate::input(call)?;
        let lineage = snapshot.lineage(call.skill()).to_owned();
        let call = gate::grants(call, pseudonym(&self.core, caller, &lineage));

        let _turn = self.turn(&call, guard, until).await?;
        self.catalog.make_ready(call.component()).await?;
        let (permit, watched) = self.leaks.permit(&snapshot, call, &audience).await?;
        // The wait for a turn counts against the caller's timeout, not against the tier's time.
        let permit = match until {
            Some(until) => permit.shortened(until.saturating_duration_since(Instant::now())),
            None => permit,
        };
        // On disk before the guest runs, judged by the caller's trust at that moment.
        let permit = audited::permitted(&self.state, &self.trust, id, permit).await?;
        let (sender, listener) = StreamSender::channel();
        let delegated = DelegatedCalls::of(self, id, guard.root, passed_on, permit.tier());
        let canary = watched.as_ref().and_then(Watched::canary);
        let model = CallModel::new(&self.model, id, &permit, &lineage, canary);
        let (config, stop) = (snapshot.config(permit.component()), guard.stop.clone());
        let context = host_context::of(&self.state, &permit, config, stop, sender, delegated, model).await?;
        let (terms, begun) = (permit.output_terms(), Begun::at(self.core.clock.now_ms(), &permit));
        let over = CancellationToken::new();
        let run = async {
            let _over = over.clone().drop_guard();
            self.catalog.sandbox().run(permit, context).await
        };
        let told = stream::carry(&self.state, id, &audience, listener, &over);
        let outcome = match tokio::join!(run, told) {
            (Ok(outcome), ()) => outcome,
            (Err(fault), ()) => return Ok(Served::Broken { failure: fault.into(), watched }),
        };
        let Outcome { result, usage, log, denied, state } = outcome;
        let ending = checked(terms, result).await;
        Ok(Served::Ran(Box::new(Run { ending, begun, usage, log, denied, state, watched })))
    }

    /// Waits until this caller, and the sandbox, has room for one more call. Revocation and the caller's deadline end
    /// the wait.
    async fn turn(
        &self,
        call: &GrantedCall,
        guard: &CallGuard,
        until: Option<Instant>,
    ) -> Result<impl Sized + use<>, Failure> {
        let running = self.trust.running();
        let of_skill = running.skill_turns(call.caller(), call.skill(), call.limits().concurrent);
        let turns = running.turns(call.caller(), call.tier());
        let slots = std::sync::Arc::clone(&self.slots);
        let wait = async {
            // The narrowest first: a call that waits for one skill must not hold up the caller's others.
            let own = of_skill.acquire_owned().await?;
            let turn = (own, turns.acquire_owned().await?, slots.acquire_owned().await?);
            Ok::<_, tokio::sync::AcquireError>(turn)
        };
        let late = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Biased, so that a turn that comes free because all are revoked is not taken.
            biased;
            () = guard.stop.cancelled() => Err(Refusal::Revoked.into()),
            () = late => Err(Stopped::Deadline.into()),
            turn = wait => turn.map_err(|_| StateError::Stopping.into()),
        }
    }
}

/// The ending of a call that was stopped from outside.
pub(super) fn ended_early(guard: &CallGuard) -> Option<Failure> {
    guard.why().map(|why| match why {
        Why::Revoked => Refusal::Revoked.into(),
        Why::Cancelled => Stopped::Cancelled.into(),
    })
}

/// Bytes of a result that are compared with private text on the spot. A longer one would hold up other tasks.
const SHORT: usize = 64 * 1024;

/// The output gate: for a result, or for the text of the error in its place.
async fn checked(terms: OutputTerms, result: Result<String, Stopped>) -> Result<CheckedOutput, Failure> {
    let output = match result {
        Ok(output) => output,
        Err(stopped) => {
            terms.error(stopped.public().as_str())?;
            return Err(stopped.into());
        }
    };
    if output.len() <= SHORT {
        return Ok(terms.check(&output)?);
    }
    let checked = tokio::task::spawn_blocking(move || terms.check(&output)).await;
    Ok(checked.map_err(Failure::Check)??)
}

/// A peer picks its timeout; beyond a year the length makes no difference.
pub(super) fn from_now(timeout: Duration) -> Instant {
    const LONGEST: Duration = Duration::from_hours(365 * 24);
    Instant::now() + timeout.min(LONGEST)
}
