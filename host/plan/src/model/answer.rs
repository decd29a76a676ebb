//! What a model answered.

use serde_json::{Deserializer, Value};

use super::message::agent_by_handle;
use crate::goal::Goal;
use crate::plan::Plan;
use crate::problem::{PlanError, Problem};
use crate::shown::Shown;

/// Places in an answer where a plan is looked for.
const PLACES: usize = 16;

/// The plan in an answer. Models like to explain themselves: what stands around it is left out.
pub(super) fn plan(answer: &str, goal: &Goal, shown: &Shown) -> Result<Plan, PlanError> {
    if answer.len() > Plan::MAX {
        return Err(Problem::TooLarge { size: answer.len() }.into());
    }
    let json = object(answer)
        .ok_or_else(|| Problem::Unreadable("there is no JSON object with `steps` in it".to_owned()))?;
    // What peers are told that it is for is the owner's word, not the model's.
    Plan::read_for(goal.text.clone(), json, |agent| {
        agent_by_handle(agent, shown).or_else(|| shown.agent(agent))
    })
}

/// The first object that has steps, as it is written.
fn object(answer: &str) -> Option<&str> {
    let places = answer.match_indices('{').map(|(at, _)| &answer[at..]);
    places.take(PLACES).find_map(|text| {
        let mut values = Deserializer::from_str(text).into_iter::<Value>();
        let value = values.next()?.ok()?;
        value.get("steps").is_some().then(|| text.get(..values.byte_offset())).flatten()
    })
}
