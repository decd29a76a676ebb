use std::collections::HashMap;

use coworker_policy::{AgentName, PeerId};
use coworker_store::{AuditFilter, AuditRow};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Operation;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::state::audit::{FINISHED, INTERRUPTED, PERMITTED};

/// What was decided and done, newest first.
#[derive(Debug, Serialize, Deserialize)]
pub struct AuditLog {
    /// At most this many entries.
    pub limit: usize,
    pub peer: Option<String>,
    pub skill: Option<String>,
}

/// One entry. A call that ran is one entry: its permit, and what came of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct AuditEntry {
    pub seq: i64,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    pub event: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_name: Option<AgentName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// Tier, grants, limits: on disk before the guest ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permit: Option<Value>,
    /// Outcome, fuel, memory, duration; or what the event was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

impl Operation for AuditLog {
    type Answer = Vec<AuditEntry>;

    async fn run(self, agent: &Agent) -> Result<Vec<AuditEntry>, OpError> {
        let peer = match &self.peer {
            Some(typed) => Some(agent.find_peer(typed).await?),
            None => None,
        };
        // A call has two rows.
        let filter =
            AuditFilter { limit: self.limit.saturating_mul(2), peer, skill: self.skill, before: None };
        let (rows, names) = agent
            .state
            .run(move |tx| {
                let names = tx.store.peers()?.into_iter().filter_map(|peer| Some((peer.id, peer.name?)));
                Ok((tx.store.audit_rows(&filter)?, names.collect::<HashMap<_, _>>()))
            })
            .await?;
        let mut entries = fold(rows);
        entries.truncate(self.limit);
        for entry in &mut entries {
            entry.peer_name = entry.peer.and_then(|peer| names.get(&peer).cloned());
        }
        Ok(entries)
    }
}

/// Rows come newest first, so a call's end comes before its permit.
fn fold(rows: Vec<AuditRow>) -> Vec<AuditEntry> {
    let mut entries: Vec<AuditEntry> = Vec::new();
    // Who calls picks the id, and may pick another caller's.
    let mut finished: HashMap<(Option<PeerId>, String), usize> = HashMap::new();
    for row in rows {
        let task = row.task.clone().map(|task| (row.peer, task));
        match (row.event.as_str(), task) {
            (FINISHED | INTERRUPTED, Some(task)) => {
                finished.insert(task, entries.len());
                entries.push(entry(row));
            }
            (PERMITTED, Some(task)) => match finished.remove(&task) {
                Some(at) => {
                    entries[at].permit = Some(row.detail);
                    if entries[at].event == FINISHED {
                        "call".clone_into(&mut entries[at].event);
                    }
                }
                None => {
                    entries.push(AuditEntry { permit: Some(row.detail.clone()), detail: None, ..entry(row) });
                }
            },
            _ => entries.push(entry(row)),
        }
    }
    entries
}

fn entry(row: AuditRow) -> AuditEntry {
    AuditEntry {
        seq: row.seq,
        at_ms: row.at_ms,
        event: row.event,
        peer: row.peer,
        peer_name: None,
        task: row.task,
        skill: row.skill,
        permit: None,
        detail: Some(row.detail),
    }
}
