use coworker_policy::{AgentName, PeerId, Tier};
use coworker_store::{TrustLogFilter, TrustLogRow};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::base::error::OpError;

/// Every change of what we think of peers, newest first.
#[derive(Debug, Serialize, Deserialize)]
pub struct TrustLog {
    pub peer: Option<String>,
    /// At most this many entries.
    pub limit: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct TrustLogEntry {
    /// Grows with every entry.
    pub seq: i64,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    pub peer: PeerId,
    pub name: Option<AgentName>,
    pub before: Tier,
    pub after: Tier,
    /// `owner`, `accepted`, `invite`, `lease_time`, `caller_row:malformed`, …
    pub reason: String,
    /// The same in words.
    pub why: String,
    /// The owner's words; may be empty.
    pub note: String,
}

impl Operation for TrustLog {
    type Answer = Vec<TrustLogEntry>;

    async fn run(self, agent: &Agent) -> Result<Vec<TrustLogEntry>, OpError> {
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
