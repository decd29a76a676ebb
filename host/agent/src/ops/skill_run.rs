use coworker_api::ops::{DeniedInfo, Ran, SkillRun, SkillTry, Tried};
use coworker_policy::RequestId;
use coworker_policy::gate::{Call, Caller};
use coworker_sandbox::Denied;

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::serve::inbound::Arrival;
use crate::serve::record::Record;
use crate::serve::stream::Audience;

impl Run for SkillRun {
    async fn run_observed(self, agent: &Agent, observer: &CallObserver) -> Result<Ran, OpError> {
        let Self { name, input, tier } = self;
        SkillTry { name, input, tier }.run_observed(agent, observer).await?.ran()
    }
}

impl Run for SkillTry {
    async fn run_observed(self, agent: &Agent, observer: &CallObserver) -> Result<Tried, OpError> {
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
