use coworker_api::ops::ModelUse;
use coworker_channel::{Message, PlanNews};
use coworker_plan::{AgentSkills, Checked, VisibleSkills};
use coworker_policy::{GroupId, PeerId, RequestId};
use coworker_store::{Goal, GoalParty, GoalState, GoalStep, PartyState};
use serde::Serialize;
use serde_json::{Value, json};

use super::limits::OPEN_MS;
use super::ours::Goals;
use crate::base::error::OpError;
use crate::state::{StateError, Transaction, audit};

/// A goal that the owner wants.
pub(crate) struct Begin {
    pub(crate) checked: Checked,
    pub(crate) shown: VisibleSkills,
    pub(crate) input: Value,
    pub(crate) group: Option<GroupId>,
    /// The use of the language model for the plan.
    pub(crate) asked: Option<ModelUse>,
}

/// The goal as it is kept, with the offer for each peer.
struct Written {
    objective: String,
    plan: String,
    shown: String,
    input: String,
    group: Option<GroupId>,
    steps: Vec<GoalStep>,
    offers: Vec<(PeerId, String)>,
    asked: Option<ModelUse>,
}

/// Writes the goal down and asks every peer in it, in one transaction: a goal that is kept also goes on.
pub(crate) async fn begin(goals: &Goals, begin: Begin) -> Result<RequestId, OpError> {
    let written = Written::of(&begin)?;
    let id = RequestId::random();
    goals.state.run(move |tx| written.put(tx, id)).await?;
    Ok(id)
}

impl Written {
    fn of(begin: &Begin) -> Result<Self, OpError> {
        let Begin { checked, shown, input, group, asked } = begin;
        let plan = checked.plan();
        let offer = |peer| checked.part_for(peer).map(|offer| Ok((peer, text(&offer)?)));
        let step = |(n, step): (usize, &coworker_plan::Step)| GoalStep::new(n, step.id.to_string());
        Ok(Self {
            objective: plan.objective.to_string(),
            plan: text(plan)?,
            shown: text(&only_used(checked, shown))?,
            input: input.to_string(),
            group: *group,
            steps: plan.steps.iter().enumerate().map(step).collect(),
            offers: checked.peers().into_iter().filter_map(offer).collect::<Result<_, OpError>>()?,
            asked: *asked,
        })
    }

    fn put(self, tx: &mut Transaction<'_>, id: RequestId) -> Result<(), StateError> {
        let Self { objective, plan, shown, input, group, steps, offers, asked } = self;
        let goal = Goal {
            id,
            objective,
            plan,
            shown,
            input,
            group,
            state: GoalState::Proposed,
            why: None,
            at_ms: tx.now,
            expires_ms: tx.now + OPEN_MS,
            done_ms: None,
        };
        tx.store.add_goal(&goal, &[], &steps)?;
        audit::goal_begun(tx, id, &json!(asked))?;
        for (peer, offer) in offers {
            let proposal = RequestId::random();
            let party = GoalParty { peer, proposal, state: PartyState::Asked, why: None, reported: None };
            tx.store.put_goal_party(goal.id, &party)?;
            tx.post(peer, &Message::Plan { id: proposal, goal: id, news: PlanNews::Propose { offer } })?;
        }
        Ok(())
    }
}

fn text(value: &impl Serialize) -> Result<String, OpError> {
    serde_json::to_string(value).map_err(|error| OpError::fault(&error))
}

/// The cards that the plan uses; the others need not be kept.
fn only_used(checked: &Checked, shown: &VisibleSkills) -> VisibleSkills {
    let steps = &checked.plan().steps;
    let used = |showing: &AgentSkills| {
        let uses = |name| steps.iter().any(|step| step.agent == showing.agent && step.skill == name);
        let cards = showing.cards.iter().filter(|card| uses(card.name.clone())).cloned().collect();
        AgentSkills { cards, ..showing.clone() }
    };
    VisibleSkills::new(shown.iter().map(used))
}
