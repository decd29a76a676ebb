//! Reads a plan from a model's answer.

use serde_json::{Deserializer, Value};

use super::message::agent_by_handle;
use crate::goal::Goal;
use crate::plan::Plan;
use crate::problem::{PlanError, Problem};
use crate::visible::VisibleSkills;

/// The most opening braces at which a plan is looked for.
const PLACES: usize = 16;

/// Extracts the plan from an answer. Models like to explain themselves, so text around the plan is ignored.
pub(super) fn plan(answer: &str, goal: &Goal, visible: &VisibleSkills) -> Result<Plan, PlanError> {
    if answer.len() > Plan::MAX {
        return Err(Problem::TooLarge { size: answer.len() }.into());
    }
    let json = object(answer)
        .ok_or_else(|| Problem::Unreadable("there is no JSON object with `steps` in it".to_owned()))?;
    // Peers see the objective, so it is the owner's text and never the model's.
    Plan::read_for(goal.text.clone(), json, |agent| {
        agent_by_handle(agent, visible).or_else(|| visible.agent(agent))
    })
}

/// Returns the text of the first object that has `steps`.
fn object(answer: &str) -> Option<&str> {
    let places = answer.match_indices('{').map(|(at, _)| &answer[at..]);
    places.take(PLACES).find_map(|text| {
        let mut values = Deserializer::from_str(text).into_iter::<Value>();
        let value = values.next()?.ok()?;
        value.get("steps").is_some().then(|| text.get(..values.byte_offset())).flatten()
    })
}
