//! Who makes a plan of a few words.

use coworker_plan::{Goal, NoPlan, Planned, Shown, plan_from_words};

use crate::agent::Agent;

/// Makes plans of what was shown. A plan is checked before anybody gets it.
pub(crate) trait Planning {
    fn plan(&self, goal: &Goal, shown: &Shown) -> impl Future<Output = Result<Planned, NoPlan>> + Send;
}

/// Needs nothing but the words themselves.
struct Words;

impl Planning for Words {
    async fn plan(&self, goal: &Goal, shown: &Shown) -> Result<Planned, NoPlan> {
        plan_from_words(goal, shown)
    }
}

/// The best planner that the agent has.
pub(crate) fn planner(_agent: &Agent) -> impl Planning + Send + Sync + use<> {
    Words
}
