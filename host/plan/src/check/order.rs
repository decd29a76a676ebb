//! What waits for what.

use std::collections::{BTreeMap, BTreeSet};

use coworker_policy::SkillName;

use crate::plan::Plan;
use crate::problem::Problem;
use crate::reference::GOAL;

/// Whether an id means something else where a step's could stand.
pub(crate) fn is_reserved(id: &SkillName) -> bool {
    id.as_str() == GOAL
}

/// How many steps wait one for the other before each. Every step that is waited for has to be among them.
pub(crate) fn levels(
    needs: &BTreeMap<SkillName, BTreeSet<SkillName>>,
) -> Result<BTreeMap<SkillName, usize>, Problem> {
    let mut levels = BTreeMap::new();
    // Each round places at least one step, or there is a circle.
    while levels.len() < needs.len() {
        let placed: Vec<_> = needs
            .iter()
            .filter(|(id, _)| !levels.contains_key(*id))
            .filter_map(|(id, before)| Some((id.clone(), level(before, &levels)?)))
            .collect();
        if placed.is_empty() {
            return Err(Problem::Circle(circle(needs, &levels)));
        }
        levels.extend(placed);
    }
    match levels.values().max().map_or(0, |last| last + 1) {
        length if length > Plan::CHAIN => Err(Problem::TooLong { length }),
        _ => Ok(levels),
    }
}

fn level(before: &BTreeSet<SkillName>, levels: &BTreeMap<SkillName, usize>) -> Option<usize> {
    before.iter().try_fold(0, |level, id| Some(level.max(levels.get(id)? + 1)))
}

/// One circle among the steps that could not be placed: whichever way one goes back from one of those, one comes to
/// another, and in the end to one that was passed.
fn circle(
    needs: &BTreeMap<SkillName, BTreeSet<SkillName>>,
    placed: &BTreeMap<SkillName, usize>,
) -> Vec<SkillName> {
    let mut path: Vec<&SkillName> = Vec::new();
    let mut at = needs.keys().find(|id| !placed.contains_key(*id));
    while let Some(id) = at {
        if let Some(begins) = path.iter().position(|passed| *passed == id) {
            path.push(id);
            return path.drain(begins..).rev().cloned().collect();
        }
        path.push(id);
        at = needs.get(id).and_then(|before| before.iter().find(|id| !placed.contains_key(*id)));
    }
    path.into_iter().cloned().collect()
}
