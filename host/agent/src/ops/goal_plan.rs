use coworker_plan::{
    Agent as By, AgentSkills, Because, Checked, Goal, NoPlan, Plan, PlanError, VisibleSkills,
};
use coworker_policy::{AgentName, ErrorCode, PeerId, SkillName, Text};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Operation;
use super::discover;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::goals::{self, Made};
use crate::model::ModelUse;

/// Makes a plan for a goal, of what these peers and this agent show. Nothing is asked of anybody but what they show.
#[derive(Debug, Serialize, Deserialize)]
pub struct GoalPlan {
    /// Names, ids or beginnings of ids.
    pub peers: Vec<String>,
    /// What is wanted, in the owner's words.
    pub goal: String,
    /// What it is to be done with, as JSON text.
    pub input: Option<String>,
    /// The plan itself, as JSON text, where the owner wrote it.
    pub plan: Option<String>,
    /// From the words alone: the language model is told nothing.
    pub no_model: bool,
    /// Seconds to wait for each peer.
    pub timeout: f64,
}

/// A plan that can be carried out.
#[derive(Debug, Serialize, Deserialize)]
pub struct GoalPlanned {
    pub plan: Plan,
    /// What came with the goal.
    pub input: Value,
    /// How it was made: the end of "planned …".
    pub by: String,
    /// Why the language model did not make it, where it was to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the language model was asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<ModelUse>,
    /// Which words led to which steps; empty where the owner or a model wrote the plan.
    pub because: Vec<StepBecause>,
    /// Words of the goal that led to no step.
    pub unmatched: Vec<String>,
    pub agents: Vec<PlanAgent>,
    /// Steps in the order in which they can run; those of one list can run at once.
    pub waves: Vec<Vec<SkillName>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct StepBecause {
    pub step: SkillName,
    pub words: Vec<String>,
}

/// Somebody that the plan could use.
#[derive(Debug, Serialize, Deserialize)]
pub struct PlanAgent {
    pub agent: By,
    pub name: AgentName,
    /// It cannot be reached: the plan is made of what it showed then, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_ms: Option<i64>,
}

impl Operation for GoalPlan {
    type Answer = GoalPlanned;

    async fn run(self, agent: &Agent) -> Result<GoalPlanned, OpError> {
        let text = Text::new(self.goal).map_err(|error| {
            OpError::new(ErrorCode::Usage, format!("the goal cannot be told: {error}"))
                .hint(format!("say it in at most {} bytes of plain text", Text::MAX))
        })?;
        let input = match self.input.as_deref().map(serde_json::from_str).transpose() {
            Ok(input) => input.unwrap_or_default(),
            Err(error) => {
                return Err(OpError::new(ErrorCode::Usage, format!("the input is not JSON: {error}"))
                    .hint(r#"quote it for the shell, like: --input '{"text": "hello"}'"#));
            }
        };
        let mut peers = Vec::with_capacity(self.peers.len());
        for typed in &self.peers {
            peers.push(agent.find_peer(typed).await?);
        }
        let (shown, agents) = shown(agent, &peers, self.timeout).await?;
        let Some(written) = self.plan else {
            let goal = Goal { text, input };
            let made =
                goals::plan(&agent.goals, &goal, &shown, !self.no_model).await.map_err(|no| no_plan(&no))?;
            return Ok(GoalPlanned::of(made, goal.input, agents));
        };
        let plan = Plan::read(&written, &shown).map_err(|error| bad_plan(&error))?;
        let checked = plan.check(&input, &shown).map_err(|error| bad_plan(&error))?;
        let waves = waves(&checked);
        let plan = checked.into_plan();
        Ok(GoalPlanned {
            plan,
            input,
            by: "by you".to_owned(),
            note: None,
            asked: None,
            because: Vec::new(),
            unmatched: Vec::new(),
            agents,
            waves,
        })
    }
}

impl GoalPlanned {
    fn of(made: Made, input: Value, agents: Vec<PlanAgent>) -> Self {
        let Made { planned, by, note, asked } = made;
        let because =
            planned.because.into_iter().map(|Because { step, words }| StepBecause { step, words }).collect();
        let (waves, unmatched) = (waves(&planned.checked), planned.unmatched);
        Self { plan: planned.checked.into_plan(), input, by, note, asked, because, unmatched, agents, waves }
    }
}

fn waves(checked: &Checked) -> Vec<Vec<SkillName>> {
    checked.waves().into_iter().map(|wave| wave.into_iter().map(|step| step.id.clone()).collect()).collect()
}

/// What this agent and `peers` show, ours first.
pub(super) async fn shown(
    agent: &Agent,
    peers: &[PeerId],
    timeout: f64,
) -> Result<(VisibleSkills, Vec<PlanAgent>), OpError> {
    let snapshot = agent.catalog.snapshot();
    let cards = snapshot.skills().map(|skill| skill.card().clone()).collect();
    let ours = AgentSkills { agent: By::Me, name: agent.core.config.name.clone(), cards };
    let mut agents = vec![PlanAgent { agent: By::Me, name: ours.name.clone(), cached_ms: None }];
    let mut showings = vec![ours];
    for peer in peers {
        let discover::Discovered { name, skills, cached_ms, .. } =
            discover::ask(agent, *peer, timeout).await?;
        agents.push(PlanAgent { agent: By::Peer(*peer), name: name.clone(), cached_ms });
        showings.push(AgentSkills { agent: By::Peer(*peer), name, cards: skills });
    }
    Ok((VisibleSkills::new(showings), agents))
}

fn no_plan(no: &NoPlan) -> OpError {
    OpError { code: ErrorCode::Usage, ..OpError::fault(no) }.hint(no.hint())
}

/// Every problem names what to change.
pub(super) fn bad_plan(error: &PlanError) -> OpError {
    OpError::new(ErrorCode::Usage, format!("the plan cannot be carried out: {error}"))
        .hint("see what each agent shows: coworker inspect PEER, coworker skill list")
}
