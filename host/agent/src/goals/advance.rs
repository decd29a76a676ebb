//! One move of a goal, from rows on disk to rows on disk. Every change since the last move (an answer, a yes, the
//! clock) is found here, so that a move can be missed, or made twice, without harm.

use std::collections::{BTreeMap, BTreeSet};

use coworker_channel::{GoalStep as Tag, Message, PartOf};
use coworker_plan::{Agent as By, InputError, Step};
use coworker_policy::{ErrorCode, PeerId, RequestId, SkillName, VersionPin};
use coworker_store::{Goal, GoalState, GoalStep, OutboundState, PartyState, StepState};
use serde_json::Value;

use super::course::Course;
use super::ending::{end, expire};
use super::ours::Goals;
use super::telling;
use crate::link::outbound;
use crate::state::{StateError, Transaction};
use coworker_api::ops::Why;

/// Attempts of a step, at most.
const MAX_ATTEMPTS: u32 = 3;
/// Steps that run at one agent at once: a goal must not use up the capacity that the agent has for our other calls.
const MAX_AT_ONCE: usize = 4;
/// Pauses before the second and the third attempt, in milliseconds.
const PAUSES_MS: [i64; 2] = [1_000, 8_000];
/// The pause after a rate limit, which is counted by the minute.
const PACE_PAUSE_MS: i64 = 61_000;

/// A step that is ours to run.
#[derive(Clone, Debug)]
pub(super) struct Own {
    pub(super) n: usize,
    pub(super) request: RequestId,
    pub(super) skill: SkillName,
    pub(super) version: Option<VersionPin>,
    /// JSON text.
    pub(super) input: String,
}

/// The work that is left once a move is on disk.
#[derive(Default)]
pub(super) struct Turn {
    /// All of our own steps that must run, including those that run already.
    pub(super) own: Vec<Own>,
    /// The peers that owe us an answer or a step.
    pub(super) awaited: BTreeSet<PeerId>,
    /// The moment of the next move, if nothing happens before.
    pub(super) again_ms: Option<i64>,
    pub(super) ended: bool,
}

/// The goal's rows, and the steps that this move changed.
struct Move<'a> {
    course: &'a Course,
    goal: Goal,
    steps: Vec<GoalStep>,
    changed: BTreeSet<usize>,
}

pub(super) fn advance(goals: &Goals, tx: &mut Transaction<'_>, course: &Course) -> Result<Turn, StateError> {
    let over = Turn { ended: true, ..Turn::default() };
    let Some(goal) = tx.store.goal(course.id)?.filter(|goal| goal.state.is_open()) else {
        return Ok(over);
    };
    if goal.expires_ms <= tx.now {
        return expire(goals, tx, &goal).map(|()| over);
    }
    let goal = match agreed(goals, tx, goal)? {
        Ok(goal) => goal,
        Err(turn) => return Ok(turn),
    };
    let steps = tx.store.goal_steps(goal.id)?;
    let before = telling::counts(course, &steps);
    let mut this = Move { course, goal, steps, changed: BTreeSet::new() };
    this.collect(tx)?;
    let own = this.begin_ready(tx)?;
    this.skip();
    this.keep(goals, tx)?;
    telling::progress(goals, tx, &this.goal, course, &before, &telling::counts(course, &this.steps))?;
    if this.steps.iter().all(|step| step.state.is_over()) {
        this.finish(goals, tx)?;
        return Ok(over);
    }
    Ok(this.turn(own))
}

/// Returns the goal if every peer in it accepted. Nothing runs before that: without one of them the plan may not
/// reach its end.
fn agreed(goals: &Goals, tx: &mut Transaction<'_>, goal: Goal) -> Result<Result<Goal, Turn>, StateError> {
    if goal.state == GoalState::Running {
        return Ok(Ok(goal));
    }
    let parties = tx.store.goal_parties(goal.id)?;
    if let Some(no) = parties.iter().find(|party| party.state == PartyState::Rejected) {
        let said = no.why.as_deref().map(Why::from_text);
        let why = said.unwrap_or_else(|| Why::new(ErrorCode::Internal, "a peer does not take part"));
        end(goals, tx, &goal, GoalState::Failed, Some(&why))?;
        return Ok(Err(Turn { ended: true, ..Turn::default() }));
    }
    let awaited: BTreeSet<_> =
        parties.iter().filter(|party| party.state == PartyState::Asked).map(|party| party.peer).collect();
    if !awaited.is_empty() {
        return Ok(Err(Turn { awaited, again_ms: Some(goal.expires_ms), ..Turn::default() }));
    }
    tx.store.move_goal(goal.id, GoalState::Running, None, None)?;
    goals.news.wake(tx);
    Ok(Ok(Goal { state: GoalState::Running, ..goal }))
}

impl Move<'_> {
    fn plan(&self, n: usize) -> Option<&Step> {
        self.course.checked.plan().steps.get(n)
    }

    fn put(&mut self, step: GoalStep) {
        let n = step.n;
        if let Some(row) = self.steps.get_mut(n) {
            *row = step;
            self.changed.insert(n);
        }
    }

    /// Collects the answers of peers.
    fn collect(&mut self, tx: &Transaction<'_>) -> Result<(), StateError> {
        let running: Vec<_> =
            self.steps.iter().filter(|step| step.state == StepState::Running).cloned().collect();
        for step in running {
            if self.plan(step.n).is_none_or(|plan| plan.agent == By::Me) {
                continue;
            }
            let asked = step.request.map(|id| tx.store.outbound(id)).transpose()?.flatten();
            let ended = match asked {
                None => failed(step, Why::new(ErrorCode::Internal, "the request was lost"), tx.now),
                Some(asked) => match asked.state {
                    OutboundState::Waiting => continue,
                    OutboundState::Done => done(step, asked.answer.unwrap_or_default(), tx.now),
                    OutboundState::Failed => {
                        let why = asked.answer.as_deref().map(Why::from_text);
                        failed(step, why.unwrap_or_else(|| Why::from_text("")), tx.now)
                    }
                    OutboundState::Expired => {
                        failed(step, Why::new(ErrorCode::Expired, "it was not done in time"), tx.now)
                    }
                    OutboundState::Cancelled | OutboundState::Abandoned => {
                        failed(step, Why::new(ErrorCode::Cancelled, "you cancelled it"), tx.now)
                    }
                },
            };
            self.put(ended);
        }
        Ok(())
    }

    /// Begins the steps that wait for nothing any more; returns our own steps that must run.
    fn begin_ready(&mut self, tx: &mut Transaction<'_>) -> Result<Vec<Own>, StateError> {
        let done: BTreeSet<_> = self.names(StepState::Done);
        let ready: BTreeSet<_> =
            self.course.checked.ready(&done).into_iter().map(|step| step.id.to_string()).collect();
        let waiting: Vec<_> = self
            .steps
            .iter()
            .filter(|row| row.state == StepState::Waiting && ready.contains(&row.step))
            .filter(|row| row.again_ms.is_none_or(|again| again <= tx.now))
            .cloned()
            .collect();
        for row in waiting {
            let Some(step) = self.plan(row.n).cloned() else { continue };
            if self.running_at(step.agent) < MAX_AT_ONCE {
                self.begin(tx, row, &step)?;
            }
        }
        Ok(self.own())
    }

    fn begin(&mut self, tx: &mut Transaction<'_>, row: GoalStep, step: &Step) -> Result<(), StateError> {
        let input = match self.input(&step.id) {
            Ok(input) => input.to_string(),
            // The output of an earlier step does not fit. Another attempt would not change that.
            Err(error) => {
                let why = Why::new(ErrorCode::InvalidInput, &error.to_string());
                self.put(over(row, StepState::Failed, Some(why), tx.now));
                return Ok(());
            }
        };
        let request = RequestId::random();
        let begun = GoalStep {
            state: StepState::Running,
            attempts: row.attempts + 1,
            request: Some(request),
            again_ms: None,
            began_ms: row.began_ms.or(Some(tx.now)),
            input_bytes: u64::try_from(input.len()).ok(),
            ..row
        };
        self.put(begun);
        let By::Peer(peer) = step.agent else { return Ok(()) };
        let goal = Tag { goal: self.course.id, step: step.id.clone() };
        let message = Message::TaskRequest {
            id: request,
            skill: step.skill.to_string(),
            input,
            timeout_ms: None,
            expires_ms: Some(self.goal.expires_ms),
            version: step.version.clone(),
            part_of: PartOf { goal: Some(goal), delegation: None },
        };
        outbound::send(tx, peer, &message).map(drop)
    }

    fn input(&self, id: &SkillName) -> Result<Value, InputError> {
        let checked = &self.course.checked;
        let needed: BTreeSet<&str> = checked.needs(id).map(SkillName::as_str).collect();
        let given = self.steps.iter().filter(|row| needed.contains(row.step.as_str()));
        let outputs: BTreeMap<SkillName, Value> = given
            .filter_map(|row| {
                let output = serde_json::from_str(row.output.as_deref()?).ok()?;
                Some((row.step.parse().ok()?, output))
            })
            .collect();
        checked.input(id, &self.course.input, &outputs)
    }

    /// Our own steps that run, with their inputs. Those that the end of a process cut off begin again.
    fn own(&self) -> Vec<Own> {
        let of = |row: &GoalStep| {
            let step = self.plan(row.n).filter(|step| step.agent == By::Me)?;
            let request = row.request?;
            let input = self.input(&step.id).ok()?.to_string();
            Some(Own { n: row.n, request, skill: step.skill.clone(), version: step.version.clone(), input })
        };
        self.steps.iter().filter(|row| row.state == StepState::Running).filter_map(of).collect()
    }

    /// Skips the steps that need a step that failed.
    fn skip(&mut self) {
        loop {
            let mut lost = self.names(StepState::Failed);
            lost.extend(self.names(StepState::Skipped));
            let needs_lost = |row: &&GoalStep| {
                let id = row.step.parse().ok();
                row.state == StepState::Waiting
                    && id.is_some_and(|id| self.course.checked.needs(&id).any(|need| lost.contains(need)))
            };
            let Some(row) = self.steps.iter().find(needs_lost).cloned() else { return };
            self.put(GoalStep { state: StepState::Skipped, ..row });
        }
    }

    fn names(&self, state: StepState) -> BTreeSet<SkillName> {
        self.steps.iter().filter(|row| row.state == state).filter_map(|row| row.step.parse().ok()).collect()
    }

    fn running_at(&self, agent: By) -> usize {
        let at = |row: &&GoalStep| self.plan(row.n).is_some_and(|step| step.agent == agent);
        self.steps.iter().filter(|row| row.state == StepState::Running).filter(at).count()
    }

    fn keep(&self, goals: &Goals, tx: &mut Transaction<'_>) -> Result<(), StateError> {
        if self.changed.is_empty() {
            return Ok(());
        }
        for row in self.changed.iter().filter_map(|n| self.steps.get(*n)) {
            tx.store.put_goal_step(self.goal.id, row)?;
        }
        goals.news.wake(tx);
        Ok(())
    }

    fn finish(&self, goals: &Goals, tx: &mut Transaction<'_>) -> Result<(), StateError> {
        match self.steps.iter().find(|row| row.state == StepState::Failed) {
            None => end(goals, tx, &self.goal, GoalState::Done, None),
            Some(failed) => {
                let why = failed.why.as_deref().map_or_else(|| Why::from_text(""), Why::from_text);
                let told = Why::new(why.code, &format!("step {}: {}", failed.step, why.message));
                end(goals, tx, &self.goal, GoalState::Failed, Some(&told))
            }
        }
    }

    fn turn(&self, own: Vec<Own>) -> Turn {
        let running = self.steps.iter().filter(|row| row.state == StepState::Running);
        let awaited = running.filter_map(|row| self.plan(row.n)?.agent.peer()).collect();
        let again = self.steps.iter().filter_map(|row| row.again_ms).min();
        let again_ms = Some(again.unwrap_or(i64::MAX).min(self.goal.expires_ms));
        Turn { own, awaited, again_ms, ended: false }
    }
}

pub(super) fn done(row: GoalStep, output: String, now: i64) -> GoalStep {
    let output_bytes = u64::try_from(output.len()).ok();
    GoalStep { output: Some(output), output_bytes, ..over(row, StepState::Done, None, now) }
}

/// Schedules another attempt where that can help, under a new id, since the old one has its answer.
pub(super) fn failed(row: GoalStep, why: Why, now: i64) -> GoalStep {
    let Some(pause) = pause_ms(why.code, row.attempts) else {
        return over(row, StepState::Failed, Some(why), now);
    };
    let (again_ms, why) = (Some(now + pause), Some(why.to_text()));
    GoalStep { state: StepState::Waiting, again_ms, why, ..row }
}

fn pause_ms(code: ErrorCode, attempts: u32) -> Option<i64> {
    if attempts >= MAX_ATTEMPTS {
        return None;
    }
    match code {
        ErrorCode::LimitExceeded => Some(PACE_PAUSE_MS),
        ErrorCode::Internal | ErrorCode::PeerUnreachable => {
            let at = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default();
            PAUSES_MS.get(at).copied()
        }
        _ => None,
    }
}

fn over(row: GoalStep, state: StepState, why: Option<Why>, now: i64) -> GoalStep {
    let why = why.map(|why| why.to_text());
    GoalStep { state, why, again_ms: None, done_ms: Some(now), ..row }
}
