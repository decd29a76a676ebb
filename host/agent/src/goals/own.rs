//! Steps that this agent runs itself, through the same gates as any run of the owner. Their results become the input
//! of peers, so the leak guard is on.

use coworker_plan::Agent as By;
use coworker_policy::RequestId;
use coworker_policy::gate::{Call, Caller};
use coworker_store::{GoalStep, StepState};

use super::advance::{Own, done, failed};
use super::course::Course;
use super::ours::Goals;
use crate::serve::inbound::Arrival;
use crate::serve::record::Record;
use crate::serve::stream::Audience;
use crate::state::{StateError, Transaction, audit};
use coworker_api::ops::Why;

/// Runs one step. Its result and the records of the run are one transaction, so that a step that runs again, because
/// the process ended in the middle, has one effect.
pub(super) async fn run(goals: Goals, goal: RequestId, own: Own) {
    let Own { n, request, skill, version, input } = own;
    let caller = Caller::Owner;
    let guard = goals.trust.running().enter(caller, skill.as_str(), request, goals.trust.tier_of(caller));
    let call = Call { caller, skill: skill.to_string(), input, version, timeout: None, delegation: None };
    let audience = Audience::Onwards;
    let arrival = Arrival { id: request, call, expires_ms: None, guard: &guard, audience };
    let served = goals.calls.pass(arrival).await;
    let fuel = served.usage().map(|usage| usage.fuel);
    let ending = match served.ending() {
        Ok(output) => Ok(output.value().to_string()),
        Err(failure) => {
            let error = failure.for_owner(caller);
            Err(Why::new(error.code, &error.message))
        }
    };
    let record = Record::of(&goals.calls, caller, skill.as_str(), served);
    let shared = goals.clone();
    let keep = goals.state.run(move |tx| {
        let of_this_run = |step: &GoalStep| step.n == n && step.request == Some(request);
        let row = tx.store.goal_steps(goal)?.into_iter().find(of_this_run);
        // The goal may have ended meanwhile: then nothing of the run is kept.
        let Some(row) = row.filter(|row| row.state == StepState::Running) else { return Ok(()) };
        record.write(tx, request, None, skill.as_str())?;
        let now = tx.now;
        let row = match ending {
            Ok(output) => done(row, output, now),
            Err(why) => failed(row, why, now),
        };
        tx.store.put_goal_step(goal, &GoalStep { fuel, ..row })?;
        shared.news.wake(tx);
        Ok(())
    });
    if let Err(error) = keep.await {
        tracing::error!(%error, "the result of a step was not kept; it runs again at the next start");
    }
}

/// Notes the runs of our own steps that the end of a process cut off: they have no other end in the audit log.
pub(super) fn interrupted(tx: &mut Transaction<'_>, course: &Course) -> Result<(), StateError> {
    let rows = tx.store.goal_steps(course.id)?.into_iter();
    for row in rows.filter(|row| row.state == StepState::Running) {
        let step = course.checked.plan().steps.get(row.n).filter(|step| step.agent == By::Me);
        if let (Some(step), Some(request)) = (step, row.request) {
            audit::interrupted(tx, request, None, step.skill.as_str())?;
        }
    }
    Ok(())
}
