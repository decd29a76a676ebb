use std::collections::HashMap;

use coworker_api::ops::{AuditEntry, AuditLog};
use coworker_policy::PeerId;
use coworker_store::{AuditFilter, AuditRow};

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::state::audit::{FINISHED, INTERRUPTED, PERMITTED};

impl Run for AuditLog {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Vec<AuditEntry>, OpError> {
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
