//! The messages to a group that follows a goal, and the notes in the owner's trust log.

use coworker_policy::{RequestId, SkillName, Text};
use coworker_store::{Goal, GoalState, GoalStep, StepState};

use super::course::Course;
use super::ours::Goals;
use crate::groups::GroupTransaction;
use crate::state::{StateError, Transaction};

/// Names the goal behind a change of trust.
pub(super) fn note(goal: RequestId, objective: &str) -> String {
    let id = goal.to_string();
    let shown = Text::sanitized(&objective.chars().take(200).collect::<String>());
    format!("goal {}: {shown}", id.get(..8).unwrap_or(&id))
}

/// Counts the done steps of each key result, in the order of the plan.
pub(super) fn counts(course: &Course, steps: &[GoalStep]) -> Vec<(usize, usize)> {
    let plan = course.checked.plan();
    let of = |id: &SkillName| {
        plan.steps.iter().zip(steps).filter({
            let id = id.clone();
            move |(step, _)| step.key_result == id
        })
    };
    let done = |id| of(id).filter(|(_, row)| row.state == StepState::Done).count();
    plan.key_results.iter().map(|result| (done(&result.id), of(&result.id).count())).collect()
}

/// Tells the group that follows the goal which key results moved on.
pub(super) fn progress(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    goal: &Goal,
    course: &Course,
    before: &[(usize, usize)],
    after: &[(usize, usize)],
) -> Result<(), StateError> {
    let results = course.checked.plan().key_results.iter().zip(before.iter().zip(after));
    for (result, (was, (done, of))) in results {
        if was.0 != *done {
            say(goals, tx, goal, &format!("{}: {done} of {of} done", first_line(&result.text)))?;
        }
    }
    Ok(())
}

/// Tells the group that the goal has ended.
pub(super) fn ended(
    goals: &Goals,
    tx: &mut Transaction<'_>,
    goal: &Goal,
    state: GoalState,
) -> Result<(), StateError> {
    say(goals, tx, goal, state.name())
}

fn say(goals: &Goals, tx: &mut Transaction<'_>, goal: &Goal, words: &str) -> Result<(), StateError> {
    let Some(group) = goal.group else { return Ok(()) };
    let Some(row) = tx.store.group(group)?.filter(|row| !row.ended) else { return Ok(()) };
    let objective: String = goal.objective.chars().take(120).collect();
    let text = Text::sanitized(&format!("[goal: {}] {words}", objective.replace('\n', " ")));
    let mut groups = GroupTransaction::new(tx, goals.core.us);
    if let Err(error) = groups.say(&row, RequestId::random(), &text)? {
        tracing::warn!(group = %group, %error, "cannot tell the group of a goal");
    }
    goals.groups.wake_readers(tx);
    Ok(())
}

fn first_line(text: &Text) -> String {
    text.as_str().lines().next().unwrap_or_default().chars().take(200).collect()
}
