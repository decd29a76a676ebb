use coworker_api::ops::{Discovered, GoalPlan, GoalPlanned, PlanAgent, StepBecause};
use coworker_plan::{
    Agent as By, AgentSkills, Because, Checked, Goal, NoPlan, Plan, PlanError, VisibleSkills,
};
use coworker_policy::{ErrorCode, PeerId, SkillName, Text};
use serde_json::Value;

use super::Run;
use super::discover;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::goals::{self, Made};

impl Run for GoalPlan {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GoalPlanned, OpError> {
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
            return Ok(planned(made, goal.input, agents));
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

fn planned(made: Made, input: Value, agents: Vec<PlanAgent>) -> GoalPlanned {
    let Made { planned, by, note, asked } = made;
    let because =
        planned.because.into_iter().map(|Because { step, words }| StepBecause { step, words }).collect();
    let (waves, unmatched) = (waves(&planned.checked), planned.unmatched);
    let plan = planned.checked.into_plan();
    GoalPlanned { plan, input, by, note, asked, because, unmatched, agents, waves }
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
        let Discovered { name, skills, cached_ms, .. } = discover::ask(agent, *peer, timeout).await?;
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
        .suggest("see what each agent shows", ["inspect", "PEER,", "coworker", "skill", "list"])
}
