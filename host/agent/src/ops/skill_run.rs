use coworker_policy::gate::{Call, Caller};
use coworker_policy::{Capability, RequestId, Tier};
use coworker_sandbox::Denied;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Operation;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::serve::inbound::Arrival;
use crate::serve::record::Record;
use crate::serve::stream::Audience;

/// Runs one of our own skills here, through the same gates as a peer's call.
#[derive(Debug, Serialize, Deserialize)]
pub struct SkillRun {
    pub name: String,
    /// JSON text.
    pub input: String,
    /// As a caller of this tier would get it; otherwise with the owner's own authority.
    pub tier: Option<Tier>,
}

/// The same for who has to know what happened in a call that failed, too: its author, say.
#[derive(Debug, Serialize, Deserialize)]
pub struct SkillTry {
    pub name: String,
    /// JSON text.
    pub input: String,
    /// As a caller of this tier would get it; otherwise with the owner's own authority.
    pub tier: Option<Tier>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Tried {
    pub id: RequestId,
    pub ending: Result<Value, OpError>,
    /// What the skill wrote to the log, stdout and stderr.
    pub log: String,
    /// What the skill asked for and did not get.
    pub denied: Vec<DeniedInfo>,
    /// wasmtime fuel, roughly one unit per instruction; none if nothing ran.
    pub fuel_used: u64,
    pub duration_ms: f64,
}

/// Something that a call did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeniedInfo {
    pub capability: Capability,
    /// The rule that would allow it; empty where there is none. The skill chose the words.
    pub what: String,
}

impl Tried {
    /// The same as for who has to know of a success only.
    pub fn ran(self) -> Result<Ran, OpError> {
        let Self { id, ending, log, fuel_used, duration_ms, .. } = self;
        Ok(Ran { id, output: ending?, log, fuel_used, duration_ms })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Ran {
    pub id: RequestId,
    pub output: Value,
    /// What the skill wrote to the log, stdout and stderr.
    pub log: String,
    /// wasmtime fuel, roughly one unit per instruction.
    pub fuel_used: u64,
    pub duration_ms: f64,
}

impl Operation for SkillRun {
    type Answer = Ran;

    async fn run(self, agent: &Agent) -> Result<Ran, OpError> {
        self.run_for(agent, &CallObserver::default()).await
    }

    async fn run_for(self, agent: &Agent, observer: &CallObserver) -> Result<Ran, OpError> {
        let Self { name, input, tier } = self;
        SkillTry { name, input, tier }.run_for(agent, observer).await?.ran()
    }
}

impl Operation for SkillTry {
    type Answer = Tried;

    async fn run(self, agent: &Agent) -> Result<Tried, OpError> {
        self.run_for(agent, &CallObserver::default()).await
    }

    async fn run_for(self, agent: &Agent, observer: &CallObserver) -> Result<Tried, OpError> {
        let caller = self.tier.map_or(Caller::Owner, Caller::OwnerAs);
        let id = RequestId::random();
        let guard = agent.trust.running().enter(caller, &self.name, id, agent.trust.tier_of(caller));
        let call = Call {
            caller,
            skill: self.name.clone(),
            input: self.input,
            version: None,
            timeout: None,
            delegation: None,
        };
        let arrival =
            Arrival { id, call, expires_ms: None, guard: &guard, audience: Audience::Owner(observer) };
        let called_off = async {
            observer.cancelled().await;
            agent.trust.running().cancel(caller, id);
            std::future::pending().await
        };
        let served = tokio::select! {
            served = agent.calls.pass(arrival) => served,
            never = called_off => never,
        };
        let ending = served.ending().map(|output| output.value().clone());
        let usage = served.usage().copied().unwrap_or_default();
        let tried = Tried {
            id,
            ending: ending.map_err(|failure| failure.for_owner(caller)),
            log: served.log().to_owned(),
            denied: served.denied().iter().map(denied).collect(),
            fuel_used: usage.fuel,
            duration_ms: usage.wall.as_secs_f64() * 1000.0,
        };
        let (record, name) = (Record::of(&agent.calls, caller, &self.name, served), self.name);
        agent.state.run(move |tx| record.write(tx, id, None, &name)).await?;
        Ok(tried)
    }
}

fn denied(denied: &Denied) -> DeniedInfo {
    DeniedInfo { capability: denied.capability, what: denied.what.clone() }
}
