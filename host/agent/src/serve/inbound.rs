//! The path of one call, from a request to its answer.

use std::time::Duration;

use coworker_channel::{Delegation, PartOf};
use coworker_policy::gate::{self, Call, Caller, CheckedOutput, OutputTerms, Standing};
use coworker_policy::trust::{Misdeed, Spent};
use coworker_policy::{Digest, PeerId, Refusal, RequestId, Text, Tier};
use coworker_sandbox::{Denied, Speaker, StateWrite, Stopped, Usage};
use coworker_store::{Inbound, InboundState};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;
use crate::base::clock::now_ms;
use crate::catalog::snapshot as catalog;
use crate::goals;
use crate::model::Asked;
use crate::serve::delegated_calls::DelegatedCalls;
use crate::serve::host_context;
use crate::serve::leaks::{self, Watched};
use crate::serve::receipts::{self, Begun};
use crate::serve::record::Record;
use crate::serve::running::{CallGuard, Why};
use crate::serve::stream::{self, Audience};
use crate::state::audit;
use crate::state::{StateError, Transaction};
use crate::trust::standing;

pub(crate) use super::answer::Failure;
use super::answer::encoded;

/// A peer's request, on disk.
pub(crate) struct Request {
    id: RequestId,
    row: Inbound,
}

/// One call as it meets the gates, with what it came with. A call that was cut off meets them again.
pub(crate) struct Arrival<'a> {
    pub(crate) id: RequestId,
    pub(crate) call: Call,
    /// When it is too late to begin.
    pub(crate) expires_ms: Option<i64>,
    pub(crate) guard: &'a CallGuard,
    pub(crate) audience: Audience<'a>,
}

/// What came of a call, with what it used if it ran.
pub(crate) struct Served {
    pub(crate) ending: Result<CheckedOutput, Failure>,
    pub(crate) usage: Option<Usage>,
    /// What it was served by, if it ran.
    pub(crate) begun: Option<Begun>,
    pub(crate) log: String,
    /// What the guest asked for and did not hold.
    pub(crate) denied: Vec<Denied>,
    /// For whom it was served, if not for its caller's own tier.
    pub(crate) at_most: Tier,
    /// Whose state these are to become part of, if the call ends well.
    pub(crate) component: Option<Digest>,
    pub(crate) state: Vec<StateWrite>,
    /// What it drew of what is private; nothing for the owner.
    pub(crate) watched: Option<Watched>,
}

/// The whole path: gates, audit, guest, gate. What each step needs, only the step before it makes.
pub(crate) async fn pass(agent: &Agent, arrival: Arrival<'_>) -> Served {
    let Arrival { id, mut call, expires_ms, guard, audience } = arrival;
    let (mut usage, mut log, mut denied) = (None, String::new(), Vec::new());
    let (mut begun, mut component, mut state, mut watched) = (None, None, Vec::new(), None);
    let at_most = call.delegation.map_or(Tier::Privileged, |delegation| delegation.at_most);
    let ending = async {
        let (caller, passed_on) = (call.caller, call.delegation.map_or(0, |delegation| delegation.depth));
        let standing = Standing { tier: agent.tier(caller), pending: guard.before, rate: guard.rate };
        // Who asked until a moment waits no longer, in the queue either.
        let left = gate::expiry(expires_ms, now_ms());
        call.timeout = call.timeout.into_iter().chain(left.clone().ok().flatten()).min();
        let until = call.timeout.map(from_now);
        let snapshot = agent.catalog.snapshot();

        let call = gate::trust(call, standing)?;
        left?;
        let skill = snapshot.find(call.skill());
        let call = gate::listing(call, skill)?;
        let call = gate::version(call)?;
        let call = gate::input(call)?;
        let pseudonym = agent.pseudonym(caller, &snapshot, call.skill());
        let granted = gate::grants(call, pseudonym);

        let _turn = turn(agent, &granted, guard, until).await?;
        catalog::make_ready(&agent.home, &agent.sandbox, granted.component()).await?;
        let permit;
        (permit, watched) = leaks::watched(agent, &snapshot, granted, &audience).await?;
        // Waiting for a turn took of the caller's patience, not of the tier's time.
        let permit = match until {
            Some(until) => permit.hurried(until.saturating_duration_since(Instant::now())),
            None => permit,
        };
        let terms = permit.output_terms();
        // On disk before the guest runs, with the caller's trust in it as it is then.
        audit::permitted(agent, id, &permit).await?.map_err(|Spent| Refusal::Revoked)?;
        component = Some(permit.component());
        let (speaker, listener) = Speaker::and_listener();
        let delegated_calls = DelegatedCalls::of(agent, id, guard.root, passed_on, permit.tier());
        let canary = watched.as_ref().and_then(Watched::canary);
        let model = Asked::new(agent, id, &permit, canary);
        let stop = guard.stop.clone();
        let around = host_context::around(agent, &permit, stop, speaker, delegated_calls, model).await?;
        begun = skill.map(|skill| Begun::now(skill));
        let over = CancellationToken::new();
        let run = async {
            let _over = over.clone().drop_guard();
            agent.sandbox.run(permit, around).await
        };
        let told = stream::carry(&agent.state, id, &audience, listener, &over);
        let (outcome, ()) = tokio::join!(run, told);
        let outcome = outcome?;
        usage = Some(outcome.usage);
        (log, denied, state) = (outcome.log, outcome.denied, outcome.state);
        match outcome.result {
            Ok(output) => Ok(checked(terms, output).await?),
            Err(stopped) => {
                terms.error(stopped.public().as_str())?;
                Err(stopped.into())
            }
        }
    }
    .await;
    // Whatever became of it: a component that was removed fails in its own ways, and those would tell.
    let ending = ended_early(guard).map_or(ending, Err);
    Served { ending, usage, begun, log, denied, at_most, component, state, watched }
}

/// Serves one peer's request from now on. It is entered at once, so that a message of the peer that comes
/// behind it finds it.
pub(crate) fn begin(agent: &Agent, request: Request) {
    let (caller, skill) = (Caller::Peer(request.row.peer), request.row.skill.as_str());
    let delegation = request.delegation();
    let tier = delegation.map_or(Tier::Privileged, |delegation| delegation.at_most).min(agent.tier(caller));
    let root = delegation.map(|delegation| delegation.root);
    let guard = agent.running.enter_of(caller, skill, request.id, tier, root);
    agent.tasks.spawn(serve(agent.clone(), request, guard));
}

/// Serves one peer's request to the end: its answer is on disk, and on its way if the peer is connected.
async fn serve(agent: Agent, request: Request, guard: CallGuard) {
    let Some(mut served) = while_wanted(&agent, &request, &guard).await else {
        // The request stays on disk: whoever serves next takes it up.
        return leaks::keep_now(&agent, request.row.peer, request.row.skill).await;
    };
    let (answer, reply) = encoded(request.id, &served.ending);
    let receipt = receipts::draft(&agent, request.id, &request.row, &served, &answer);
    let delegation = request.judged(&guard);
    let Request { id, row: Inbound { peer, skill, part_of, .. } } = request;
    show_log(&skill, &served.log);

    let (too_many, cancelled) =
        (too_many(&agent, Caller::Peer(peer), &guard, delegation), guard.why() == Some(Why::Cancelled));
    let record = Record::of(&agent, Caller::Peer(peer), &skill, &mut served).by_caller(too_many, cancelled);
    let refused = matches!(served.ending, Err(Failure::Refused(_))) && served.usage.is_none() || too_many;
    let misdeed = match &served.ending {
        Err(Failure::Refused(refusal)) => Misdeed::of(refusal),
        _ => None,
    };
    // That its own caller may not have is no fault of who asks for them. The same for a skill that is hidden.
    let lowered = served.at_most < agent.tier(Caller::Peer(peer));
    let misdeed = misdeed.filter(|misdeed| !(lowered && *misdeed == Misdeed::Refused));
    let well = served.ending.is_ok();
    let shared = agent.clone();
    let done = agent.state.run(move |tx| {
        if let Some(misdeed) = misdeed {
            standing::misbehaved(&shared, tx, peer, misdeed)?;
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
            goals::step_served(&shared, tx, peer, id, &skill, part_of.as_deref())?;
        }
        receipt.map_or(Ok(()), |draft| receipts::issue(tx, peer, id, &draft))
    });
    if let Err(error) = done.await {
        tracing::error!(%peer, %error, "an answer was lost; the peer will ask again");
    }
    drop(guard);
    crate::link::redial::deliver_mail(&agent, peer).await;
}

/// Whether a call was one too many for its caller. It may end in another way, called off say, before it meets the
/// gate that refuses it; and nothing but that gate bounds how many come.
fn too_many(agent: &Agent, caller: Caller, guard: &CallGuard, delegation: Option<gate::Delegation>) -> bool {
    let standing = Standing { tier: agent.tier(caller), pending: guard.before, rate: guard.rate };
    let (skill, input) = (String::new(), String::new());
    gate::trust(Call { caller, skill, input, version: None, timeout: None, delegation }, standing).is_err()
}

/// Runs a request as long as its caller waits: while one who said for how long is away, nothing runs, and
/// it runs anew when they are back in time. `None` if the agent stops.
async fn while_wanted(agent: &Agent, request: &Request, guard: &CallGuard) -> Option<Served> {
    let Request { id, row } = request;
    let until = time_left(row, now_ms()).map(from_now);
    let mut caller = agent.presence.of(row.peer);
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
            () = agent.stop.cancelled() => return None,
            () = away => {}
            served = pass(agent, request.arrival(guard, left)) => return Some(served),
        }
        request.cut_off(agent).await;
        tokio::select! {
            biased;
            () = agent.stop.cancelled() => return None,
            () = guard.stop.cancelled() => {}
            () = caller.back() => continue,
            () = sleep_until(until.unwrap_or_else(Instant::now)) => {}
        }
        tracing::debug!(%id, "nobody waits for a call any more");
        return Some(Served::without_a_run(ended_early(guard).unwrap_or(Stopped::Deadline.into())));
    }
}

/// The caller took a request back that nobody serves here: it is answered as one that was stopped.
pub(crate) async fn cancel_unserved(agent: &Agent, peer: PeerId, id: RequestId) -> Result<(), StateError> {
    let cancel = move |tx: &mut Transaction<'_>| {
        let row = tx.store.inbound(peer, id)?.filter(|row| row.state != InboundState::Done);
        let Some(row) = row else { return Ok(()) };
        audit::cancelled(tx, id, peer, &row.skill)?;
        let (_, reply) = encoded(id, &Err(Stopped::Cancelled.into()));
        tx.store.task_done(peer, id, &reply)?;
        tx.post_encoded(peer, Some(id), &reply)
    };
    agent.state.run(cancel).await
}

/// What becomes of a call that was stopped from outside, whatever came of it by itself.
fn ended_early(guard: &CallGuard) -> Option<Failure> {
    guard.why().map(|why| match why {
        Why::Revoked => Refusal::Revoked.into(),
        Why::Cancelled => Stopped::Cancelled.into(),
    })
}

/// A guest's lines go to the owner's log, as plain text, and nowhere else.
fn show_log(skill: &str, log: &str) {
    for line in log.lines() {
        tracing::info!(target: "skill", skill, "{}", Text::sanitized(line));
    }
}

/// Bytes of a result that are compared with private text where other tasks would wait for it.
const SHORT: usize = 64 * 1024;

async fn checked(terms: OutputTerms, output: String) -> Result<CheckedOutput, Failure> {
    if output.len() <= SHORT {
        return Ok(terms.check(&output)?);
    }
    let checked = tokio::task::spawn_blocking(move || terms.check(&output)).await;
    Ok(checked.map_err(Failure::Check)??)
}

/// Waits until this caller, and the sandbox, has room for one more. Revocation ends the wait, and so does
/// the end of the caller's patience.
async fn turn(
    agent: &Agent,
    permit: &gate::Permit,
    guard: &CallGuard,
    until: Option<Instant>,
) -> Result<impl Sized + use<>, Failure> {
    let of_skill = agent.running.skill_turns(permit.caller(), permit.skill(), permit.limits().concurrent);
    let turns = agent.running.turns(permit.caller(), permit.tier());
    let slots = std::sync::Arc::clone(&agent.slots);
    let wait = async {
        // The narrowest first: who waits for one skill must not hold up the caller's others.
        let own = of_skill.acquire_owned().await?;
        Ok::<_, tokio::sync::AcquireError>((own, turns.acquire_owned().await?, slots.acquire_owned().await?))
    };
    let late = async {
        match until {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        // A turn that comes free because all are revoked is not taken.
        biased;
        () = guard.stop.cancelled() => Err(Refusal::Revoked.into()),
        () = late => Err(Stopped::Deadline.into()),
        turn = wait => turn.map_err(|_| StateError::Stopping.into()),
    }
}

impl Served {
    fn without_a_run(failure: Failure) -> Self {
        Self {
            ending: Err(failure),
            usage: None,
            begun: None,
            log: String::new(),
            denied: Vec::new(),
            at_most: Tier::Privileged,
            component: None,
            state: Vec::new(),
            watched: None,
        }
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

    /// Whom the caller's skill asks for. What cannot be read any more is served as for nobody.
    fn delegation(&self) -> Option<Delegation> {
        let nobody = || Delegation { root: self.id, depth: u8::MAX, at_most: Tier::Untrusted };
        let part_of = self.row.part_of.as_deref().map(PartOf::from_text)?;
        part_of.map_or_else(|_| Some(nobody()), |part_of| part_of.delegation)
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
    pub(crate) fn interrupted(&self, tx: &mut Transaction<'_>) -> Result<(), StateError> {
        let Self { id, row } = self;
        if tx.store.task_interrupted(row.peer, row.id)? {
            audit::interrupted(tx, *id, Some(row.peer), &row.skill)?;
        }
        Ok(())
    }

    async fn cut_off(&self, agent: &Agent) {
        let cut_off = Self { id: self.id, row: Inbound { input: String::new(), ..self.row.clone() } };
        let shared = agent.clone();
        let note = move |tx: &mut Transaction<'_>| {
            leaks::keep(&shared, tx, cut_off.row.peer, &cut_off.row.skill)?;
            cut_off.interrupted(tx)
        };
        if let Err(error) = agent.state.run(note).await {
            tracing::error!(%error, "cannot note that a call was cut off");
        }
    }
}

/// Of what the caller waits from its request's arrival on. A clock that was set back gives nobody more.
fn time_left(row: &Inbound, now_ms: i64) -> Option<Duration> {
    let waited = u64::try_from(now_ms.saturating_sub(row.at_ms)).unwrap_or_default();
    row.timeout_ms.map(|timeout| Duration::from_millis(timeout.saturating_sub(waited)))
}

/// A peer picks its patience; beyond a year it is all the same.
fn from_now(timeout: Duration) -> Instant {
    const LONGEST: Duration = Duration::from_hours(365 * 24);
    Instant::now() + timeout.min(LONGEST)
}
