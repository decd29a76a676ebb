use std::collections::{BTreeMap, BTreeSet};

use coworker_api::ops::{
    GoalCost, GoalInfo, GoalPeer, GoalShow, KeyResultInfo, ModelUse, StepInfo, StepPhase, Why,
};
use coworker_channel::KeyResultCount;
use coworker_plan::{Agent as By, Plan, Source};
use coworker_policy::{AgentName, ErrorCode, PeerId, SkillName};
use coworker_store::{Goal, GoalShare, GoalStep, ReceiptRole, ServedStep};
use serde_json::Value;

use super::Run;
use super::goal_find::{Found, find};
use super::goal_phase::{goal_phase, peer_answer, share_phase, step_phase};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::goals;
use crate::model::used_of_row;
use crate::serve::receipt_reading::verify_receipt;
use crate::state::audit;
use crate::state::{StateError, Transaction};

/// Rows of the audit log that are looked at for what a goal cost.
const MAX_ROWS: usize = 10_000;

impl Run for GoalShow {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GoalInfo, OpError> {
        match find(agent, &self.id).await? {
            Found::Ours(goal) => with_model(agent, ours(agent, goal).await?).await,
            Found::Theirs(share) => theirs(agent, share).await,
        }
    }
}

/// A goal of ours, with all that is known of it.
pub(super) async fn ours(agent: &Agent, goal: Goal) -> Result<GoalInfo, OpError> {
    let us = agent.core.config.name.clone();
    let info = agent.state.run(move |tx| {
        let rows = tx.store.goal_steps(goal.id)?;
        let Ok(plan) = serde_json::from_str::<Plan>(&goal.plan) else { return Ok(None) };
        let mut names = BTreeMap::new();
        let mut peers = Vec::new();
        for party in tx.store.goal_parties(goal.id)? {
            let name = tx.store.peer(party.peer)?.and_then(|row| row.name);
            names.insert(party.peer, name.clone());
            peers.push(GoalPeer {
                peer: party.peer,
                name,
                answer: Some(peer_answer(party.state)),
                why: party.why.as_deref().map(Why::from_text),
                reported: party.reported.as_deref().and_then(|text| reported(text, &plan, party.peer)),
            });
        }
        let mut steps = Vec::with_capacity(rows.len());
        for (step, row) in plan.steps.iter().zip(&rows) {
            let agent_name = match step.agent {
                By::Me => Some(us.clone()),
                By::Peer(peer) => names.get(&peer).cloned().flatten(),
            };
            let info = step_info(step, row, agent_name);
            steps.push(match step.agent {
                By::Me => info,
                By::Peer(peer) => with_receipt(tx, peer, ReceiptRole::Caller, info)?,
            });
        }
        let (outputs, cost) = (outputs(&plan, &rows), cost(&steps));
        Ok(Some(GoalInfo {
            id: goal.id,
            owner: None,
            objective: plan.objective.clone(),
            state: goal_phase(goal.state),
            why: goal.why.as_deref().map(Why::from_text),
            at_ms: goal.at_ms,
            expires_ms: goal.expires_ms,
            done_ms: goal.done_ms,
            key_results: key_results(&plan, &steps),
            steps,
            peers,
            outputs,
            cost,
        }))
    });
    info.await?.ok_or_else(|| OpError::new(ErrorCode::Internal, "the goal's plan cannot be read"))
}

/// The same, with what the language model was asked for it.
pub(super) async fn with_model(agent: &Agent, mut info: GoalInfo) -> Result<GoalInfo, OpError> {
    let (goal, since) = (info.id.to_string(), info.at_ms);
    let own = info.steps.iter().filter(|step| step.agent == By::Me);
    let own: BTreeSet<String> = own.filter_map(|step| Some(step.request?.to_string())).collect();
    let rows = agent.state.run(move |tx| {
        let mut rows = tx.store.audit_rows_of(audit::GOAL_BEGUN, since, MAX_ROWS)?;
        rows.retain(|row| row.task.as_ref() == Some(&goal));
        let mut asked = tx.store.audit_rows_of(audit::MODEL_ASKED, since, MAX_ROWS)?;
        asked.retain(|row| row.task.as_ref().is_some_and(|task| own.contains(task)));
        Ok((rows, asked))
    });
    let (begun, asked) = rows.await?;
    let planned =
        begun.into_iter().filter_map(|mut row| serde_json::from_value(row.detail["model"].take()).ok());
    let used = planned.chain(asked.iter().map(|row| used_of_row(&row.detail)));
    info.cost.model = used.reduce(ModelUse::and);
    Ok(info)
}

fn step_info(step: &coworker_plan::Step, row: &GoalStep, agent_name: Option<AgentName>) -> StepInfo {
    StepInfo {
        id: step.id.clone(),
        key_result: step.key_result.clone(),
        agent: step.agent,
        agent_name,
        skill: step.skill.clone(),
        state: step_phase(row.state),
        attempts: row.attempts,
        request: row.request,
        receipt: None,
        why: row.why.as_deref().map(Why::from_text),
        began_ms: row.began_ms,
        done_ms: row.done_ms,
        fuel: row.fuel,
        input_bytes: row.input_bytes,
        output_bytes: row.output_bytes,
    }
}

/// The same with what the receipt says, where two agents signed for it.
fn with_receipt(
    tx: &Transaction<'_>,
    peer: PeerId,
    role: ReceiptRole,
    step: StepInfo,
) -> Result<StepInfo, StateError> {
    let Some(request) = step.request else { return Ok(step) };
    let Some(row) = tx.store.receipt(peer, request, role)? else { return Ok(step) };
    let state = row.state.name().to_owned();
    let Ok(read) = verify_receipt(&row.envelope) else { return Ok(step) };
    let began = i64::try_from(read.started_ms).ok();
    Ok(StepInfo {
        fuel: Some(read.fuel),
        receipt: Some(state),
        began_ms: step.began_ms.or(began),
        input_bytes: step.input_bytes.or(Some(read.input.bytes)),
        output_bytes: step.output_bytes.or_else(|| read.output.map(|output| output.bytes)),
        ..step
    })
}

/// A peer can say anything; more than it has to do is not repeated.
fn reported(text: &str, plan: &Plan, peer: PeerId) -> Option<u32> {
    let counts: Vec<KeyResultCount> = serde_json::from_str(text).ok()?;
    let done = counts.iter().fold(0, |sum: u32, count| sum.saturating_add(count.done));
    let of = plan.steps.iter().filter(|step| step.agent == By::Peer(peer)).count();
    Some(done.min(u32::try_from(of).unwrap_or(u32::MAX)))
}

fn key_results(plan: &Plan, steps: &[StepInfo]) -> Vec<KeyResultInfo> {
    let of = |id: &SkillName| steps.iter().filter(|step| step.key_result == *id).count();
    let done = |id: &SkillName| {
        steps.iter().filter(|step| step.key_result == *id && step.state == StepPhase::Done).count()
    };
    let info = |result: &coworker_plan::KeyResult| KeyResultInfo {
        id: result.id.clone(),
        text: result.text.clone(),
        done: done(&result.id),
        of: of(&result.id),
    };
    plan.key_results.iter().map(info).collect()
}

/// Of the steps whose output no other step takes up.
fn outputs(plan: &Plan, rows: &[GoalStep]) -> BTreeMap<SkillName, Value> {
    let references = plan.steps.iter().flat_map(|step| step.input.references());
    let used: Vec<&SkillName> = references
        .filter_map(|reference| match &reference.from {
            Source::Step(id) => Some(id),
            Source::Goal => None,
        })
        .collect();
    let last = plan.steps.iter().zip(rows).filter(|(step, _)| !used.contains(&&step.id));
    last.filter_map(|(step, row)| Some((step.id.clone(), serde_json::from_str(row.output.as_deref()?).ok()?)))
        .collect()
}

fn cost(steps: &[StepInfo]) -> GoalCost {
    steps.iter().fold(GoalCost::default(), |sum, step| GoalCost {
        calls: sum.calls + u64::from(step.attempts),
        fuel: sum.fuel.saturating_add(step.fuel.unwrap_or_default()),
        input_bytes: sum.input_bytes + step.input_bytes.unwrap_or_default(),
        output_bytes: sum.output_bytes + step.output_bytes.unwrap_or_default(),
        model: None,
    })
}

/// Our part in another agent's goal.
pub(super) async fn theirs(agent: &Agent, share: GoalShare) -> Result<GoalInfo, OpError> {
    let us = agent.core.config.name.clone();
    let info = agent.state.run(move |tx| {
        let Some(offer) = goals::read_offer(&share.offer) else { return Ok(None) };
        let served = tx.store.served_steps(share.peer, share.goal)?;
        let name = tx.store.peer(share.peer)?.and_then(|row| row.name);
        let offer = offer.into_offer();
        let of = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let counts = goals::counts(&offer, &served);
        let key_results = offer.key_results.iter().zip(counts).map(|(result, count)| KeyResultInfo {
            id: result.id.clone(),
            text: result.text.clone(),
            done: of(count.done),
            of: of(count.of),
        });
        let steps = offer
            .steps
            .iter()
            .map(|step| with_receipt(tx, share.peer, ReceiptRole::Provider, served_info(step, &served, &us)));
        let steps = steps.collect::<Result<Vec<_>, _>>()?;
        Ok(Some(GoalInfo {
            id: share.goal,
            owner: Some(GoalPeer { peer: share.peer, name, answer: None, why: None, reported: None }),
            objective: offer.objective.clone(),
            state: share_phase(share.state),
            why: None,
            at_ms: share.at_ms,
            expires_ms: share.expires_ms,
            done_ms: share.done_ms,
            key_results: key_results.collect(),
            cost: cost(&steps),
            steps,
            peers: Vec::new(),
            outputs: BTreeMap::new(),
        }))
    });
    info.await?.ok_or_else(|| OpError::new(ErrorCode::Internal, "the goal's offer cannot be read"))
}

fn served_info(step: &coworker_plan::OfferStep, served: &[ServedStep], us: &AgentName) -> StepInfo {
    let done = served.iter().find(|done| done.step == step.id.as_str());
    StepInfo {
        id: step.id.clone(),
        key_result: step.key_result.clone(),
        agent: By::Me,
        agent_name: Some(us.clone()),
        skill: step.skill.clone(),
        state: if done.is_some() { StepPhase::Done } else { StepPhase::Waiting },
        attempts: u32::from(done.is_some()),
        request: done.map(|done| done.request),
        receipt: None,
        why: None,
        began_ms: None,
        done_ms: done.map(|done| done.at_ms),
        fuel: None,
        input_bytes: None,
        output_bytes: None,
    }
}
