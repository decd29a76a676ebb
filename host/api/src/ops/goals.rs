use coworker_plan::{Agent, Plan};
use coworker_policy::{AgentName, PeerId, RequestId, SkillName, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{GoalInfo, GoalPhase, ModelUse};
use crate::operation::operations;

operations! { GoalOp {
    GoalPlan => GoalPlanned,
    GoalBegin => GoalBegun,
    GoalWatch => GoalInfo,
    GoalShow => GoalInfo,
    GoalList => Vec<GoalBrief>,
    GoalAnswer => GoalInfo,
    GoalCancel => GoalInfo,
}}

/// Makes a plan for a goal from the skills that the named peers and this agent show.
///
/// The peers are asked for nothing but their skills.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GoalPlan {
    /// Names of peers, their ids or the starts of their ids.
    pub peers: Vec<String>,
    /// The goal in the owner's words: at most 4096 bytes of plain text.
    pub goal: String,
    /// Input of the goal, as JSON text.
    pub input: Option<String>,
    /// A plan that the owner wrote, as JSON text.
    pub plan: Option<String>,
    /// Plans from the words alone, without the language model.
    pub no_model: bool,
    /// Seconds to wait for each peer; more than 0, at most 86400.
    pub timeout: f64,
}

/// A plan that passed its checks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GoalPlanned {
    pub plan: Plan,
    /// Input of the goal.
    pub input: Value,
    /// The planner, as the end of a sentence that begins with "planned".
    pub by: String,
    /// Why the language model did not make the plan, if it was meant to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Use of the language model for the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<ModelUse>,
    /// The words that led to each step; empty if the owner or a model wrote the plan.
    pub because: Vec<StepBecause>,
    /// Words of the goal that led to no step.
    pub unmatched: Vec<String>,
    pub agents: Vec<PlanAgent>,
    /// The steps in the order in which they can run. Those of one list can run at once.
    pub waves: Vec<Vec<SkillName>>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct StepBecause {
    pub step: SkillName,
    pub words: Vec<String>,
}

/// An agent that the plan could use.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PlanAgent {
    pub agent: Agent,
    pub name: AgentName,
    /// Time of its last answer, in milliseconds since the Unix epoch, if the peer cannot be reached now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_ms: Option<i64>,
}

/// Starts a goal: proposes it to every agent of the plan, and begins once all have accepted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GoalBegin {
    pub plan: Plan,
    /// Input of the goal.
    pub input: Value,
    /// A group whose members are told about the goal's progress.
    pub group: Option<String>,
    /// Use of the language model for the plan; it counts as the goal's.
    pub asked: Option<ModelUse>,
    /// Leaves the goal to a running `serve`. Refused without one.
    pub detach: bool,
    /// Seconds to wait for each peer; more than 0, at most 86400.
    pub timeout: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GoalBegun {
    pub id: RequestId,
}

/// Resumes a goal of our own if no process carries it on, and waits until it ends.
///
/// Can be cancelled, which ends the waiting; a running `serve` carries the goal on. Updates: `goal`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GoalWatch {
    /// The goal's id, or the start of it.
    pub id: String,
}

/// Shows one goal: `START` of its id, or `START@PEER` for a goal of that peer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GoalShow {
    /// The goal's id, or the start of it.
    pub id: String,
}

/// Lists our goals and those we take part in: all open ones, and those that ended within a day. At most 200 of each.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GoalList {
    /// Also lists older ones, as far as they are kept.
    pub all: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GoalBrief {
    pub id: RequestId,
    /// The agent whose goal it is; absent for a goal of our own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PeerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_name: Option<AgentName>,
    pub objective: Text,
    pub state: GoalPhase,
    /// Steps that are done; of another agent's goal, our own.
    pub done: usize,
    pub of: usize,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_ms: Option<i64>,
}

/// Answers another agent's proposal to take part in its goal.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GoalAnswer {
    /// The goal's id, or the start of it.
    pub id: String,
    pub accept: bool,
}

/// Cancels a goal of our own: stops its running steps and tells every agent in it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GoalCancel {
    /// The goal's id, or the start of it.
    pub id: String,
}
