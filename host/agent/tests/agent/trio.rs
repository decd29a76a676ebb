//! Three agents that have goals together, and plans for them.

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ApiError;
use coworker_api::ops::{
    Discover, GoalBegin, GoalInfo, GoalPlan, GoalPlanned, GoalShow, GoalWatch, StepPhase, TrustList, TrustLog,
};
use coworker_policy::{PeerId, Tier};
use serde_json::{Value, json};

use crate::guest::plain;
use crate::harness::{SECONDS, Town, connect, set_tier, until};

/// How long an unreachable peer is waited for; then the skills that it showed earlier count.
pub(crate) const SOON: f64 = 1.0;

/// `cy` has a goal with `ada` and `bob`; everybody has the skill `plain` and trusts cy, as cy trusts them, as
/// INTERNAL.
pub(crate) struct Trio {
    pub(crate) town: Town,
    pub(crate) ada: Agent,
    pub(crate) bob: Agent,
    pub(crate) cy: Agent,
}

pub(crate) async fn trio() -> Trio {
    let town = Town::new();
    let (ada, bob, cy) = (town.open("ada").await, town.open("bob").await, town.open("cy").await);
    for agent in [&ada, &bob, &cy] {
        town.install(agent, &plain(), Some(Tier::Known)).await;
        agent.serve().await.unwrap();
    }
    for peer in [&ada, &bob] {
        connect(&cy, peer).await;
        set_tier(peer, cy.peer_id(), Tier::Internal).await;
        set_tier(&cy, peer.peer_id(), Tier::Internal).await;
        let peer = peer.peer_id().to_string();
        Discover { peer, timeout: SECONDS }.run(&cy).await.unwrap();
    }
    Trio { town, ada, bob, cy }
}

pub(crate) fn step(id: &str, agent: &str, input: &Value) -> Value {
    json!({ "id": id, "key_result": "all", "agent": agent, "skill": "plain", "input": input })
}

pub(crate) fn of(steps: &[Value]) -> Value {
    let key_results = [json!({ "id": "all", "text": "All of it." })];
    json!({ "objective": "Say it again", "key_results": key_results, "steps": steps })
}

/// ada, then bob with ada's output; at the same time cy itself; last ada with both outputs.
pub(crate) fn diamond() -> Value {
    of(&[
        step("first", "ada", &json!({ "$from": "goal", "at": "/text" })),
        step("second", "bob", &json!([{ "$from": "first", "at": "" }])),
        step("mine", "me", &json!({ "$from": "goal", "at": "" })),
        step(
            "last",
            "ada",
            &json!({ "b": { "$from": "second", "at": "/0" }, "c": { "$from": "mine", "at": "" } }),
        ),
    ])
}

pub(crate) async fn plan(of: &Agent, peers: &[&Agent], plan: &Value) -> Result<GoalPlanned, ApiError> {
    let peers = peers.iter().map(|peer| peer.peer_id().to_string()).collect();
    let input = Some(json!({ "text": "hello" }).to_string());
    let plan = Some(plan.to_string());
    GoalPlan { peers, goal: String::new(), input, plan, no_model: false, timeout: SOON }.run(of).await
}

pub(crate) async fn begin_for(of: &Agent, peers: &[&Agent], wanted: &Value, group: Option<&str>) -> String {
    let GoalPlanned { plan, input, .. } = plan(of, peers, wanted).await.unwrap();
    let group = group.map(str::to_owned);
    let begin = GoalBegin { plan, input, group, asked: None, detach: false, timeout: SOON };
    begin.run(of).await.unwrap().id.to_string()
}

pub(crate) async fn begin(of: &Agent, peers: &[&Agent], wanted: &Value) -> String {
    begin_for(of, peers, wanted, None).await
}

pub(crate) async fn watch(of: &Agent, id: &str) -> GoalInfo {
    GoalWatch { id: id.to_owned() }.run(of).await.unwrap()
}

pub(crate) async fn show(of: &Agent, id: &str) -> GoalInfo {
    GoalShow { id: id.to_owned() }.run(of).await.unwrap()
}

pub(crate) async fn tier(of: &Agent, peer: PeerId) -> Tier {
    let decisions = TrustList {}.run(of).await.unwrap();
    decisions.iter().find(|decision| decision.peer == peer).map_or(Tier::Untrusted, |decision| decision.tier)
}

/// Steps down that the trust log of `of` tells about `peer` because of goals.
pub(crate) async fn parted(of: &Agent, peer: PeerId) -> Vec<(Tier, Tier, String, String)> {
    let log = TrustLog { peer: Some(peer.to_string()), limit: 100 }.run(of).await.unwrap();
    let of_goals = log.into_iter().filter(|entry| entry.reason == "goal" || entry.reason == "lease_goal");
    of_goals.map(|entry| (entry.before, entry.after, entry.reason, entry.note)).collect()
}

pub(crate) fn phase(info: &GoalInfo, step: &str) -> StepPhase {
    info.steps.iter().find(|info| info.id.as_str() == step).unwrap().state
}

pub(crate) fn request(info: &GoalInfo, step: &str) -> String {
    info.steps.iter().find(|info| info.id.as_str() == step).unwrap().request.unwrap().to_string()
}

pub(crate) async fn until_phase(of: &Agent, id: &str, step: &str, wanted: StepPhase) {
    until(step, async || phase(&show(of, id).await, step) == wanted).await;
}

/// Calls that ended at `name`, of all callers.
pub(crate) fn finished(town: &Town, name: &str) -> usize {
    town.audit_rows(name).iter().filter(|row| row.event == "call_finished").count()
}
