//! The order of steps that depend on each other.

use std::collections::{BTreeMap, BTreeSet};

use coworker_policy::SkillName;

use crate::plan::Plan;
use crate::problem::Problem;
use crate::reference::GOAL;

/// Returns whether no step may have this id, because a reference to it means something else.
pub(crate) fn is_reserved(id: &SkillName) -> bool {
    id.as_str() == GOAL
}

/// Returns for each step the length of the longest chain of steps before it. Each dependency must be a key of `needs`.
pub(crate) fn levels(
    needs: &BTreeMap<SkillName, BTreeSet<SkillName>>,
) -> Result<BTreeMap<SkillName, usize>, Problem> {
    let mut levels = BTreeMap::new();
    // Each round places at least one step, or there is a cycle.
    while levels.len() < needs.len() {
        let placed: Vec<_> = needs
            .iter()
            .filter(|(id, _)| !levels.contains_key(*id))
            .filter_map(|(id, before)| Some((id.clone(), level(before, &levels)?)))
            .collect();
        if placed.is_empty() {
            return Err(Problem::Cycle(cycle(needs, &levels)));
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

/// Finds one cycle among the steps that could not be placed. Each of them waits for another one, so a walk from
/// dependency to dependency must come back to a step that it has passed.
fn cycle(
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
