use coworker_api::ops::{Decision, LeaseInfo, TrustList, TrustRequestInfo, TrustRequests};
use coworker_policy::Text;
use coworker_store::TrustRow;

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

impl Run for TrustList {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Vec<Decision>, OpError> {
        let decisions = agent.state.run(|tx| {
            let now = tx.now;
            let decision = |TrustRow { peer, trust, reason, at_ms }| {
                Ok(Decision {
                    peer,
                    name: tx.store.peer(peer)?.and_then(|peer| peer.name),
                    tier: trust.tier_at(now),
                    lease: LeaseInfo::of(&trust, now),
                    faults_as_caller: trust.as_caller().total,
                    faults_as_provider: trust.as_provider().total,
                    reason,
                    at_ms,
                })
            };
            tx.store.trust_rows()?.into_iter().map(decision).collect()
        });
        Ok(decisions.await?)
    }
}

impl Run for TrustRequests {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Vec<TrustRequestInfo>, OpError> {
        let requests = agent.state.run(|tx| {
            let request = |row: coworker_store::TrustRequest| {
                let name = tx.store.peer(row.peer)?.and_then(|peer| peer.name);
                let reason = Text::sanitized(&row.reason);
                Ok(TrustRequestInfo { peer: row.peer, name, tier: row.tier, reason, at_ms: row.at_ms })
            };
            tx.store.trust_requests()?.into_iter().map(request).collect()
        });
        Ok(requests.await?)
    }
}
