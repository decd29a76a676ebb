use coworker_api::ops::{TrustLog, TrustLogEntry};
use coworker_store::{TrustLogFilter, TrustLogRow};

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

impl Run for TrustLog {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Vec<TrustLogEntry>, OpError> {
        let peer = match &self.peer {
            Some(typed) => Some(agent.find_peer(typed).await?),
            None => None,
        };
        let filter = TrustLogFilter { limit: self.limit, peer, before: None };
        let entries = agent.state.run(move |tx| {
            let entry = |row: TrustLogRow| {
                Ok(TrustLogEntry {
                    seq: row.seq,
                    at_ms: row.at_ms,
                    peer: row.peer,
                    name: tx.store.peer(row.peer)?.and_then(|peer| peer.name),
                    before: row.change.from,
                    after: row.change.to,
                    reason: row.change.reason.name(),
                    why: row.change.reason.to_string(),
                    note: row.note,
                })
            };
            tx.store.trust_log(&filter)?.into_iter().map(entry).collect()
        });
        Ok(entries.await?)
    }
}
