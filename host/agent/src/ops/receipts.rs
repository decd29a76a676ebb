use std::collections::HashMap;

use coworker_api::ops::{ReceiptInfo, ReceiptShow, ReceiptShown, Receipts};
use coworker_policy::{AgentName, ErrorCode, PeerId};
use coworker_store::{ReceiptFilter, ReceiptRow};

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::base::typed::Kind;
use crate::serve::receipt_reading::verify_receipt;

impl Run for Receipts {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Vec<ReceiptInfo>, OpError> {
        let peer = match &self.peer {
            Some(typed) => Some(agent.find_peer(typed).await?),
            None => None,
        };
        let names = names(agent).await?;
        let wanted = |info: &ReceiptInfo| self.skill.as_deref().is_none_or(|skill| is_of(info, skill));
        let mut limit = self.limit;
        let mut found: Vec<ReceiptInfo>;
        loop {
            let filter = ReceiptFilter { limit, peer, ..ReceiptFilter::default() };
            let rows = agent.state.run(move |tx| Ok(tx.store.receipts(&filter)?)).await?;
            found = rows.iter().map(|row| info(row, &names)).filter(wanted).collect();
            // The skill is inside the receipt: where it is asked for, more are read than are shown.
            if found.len() >= self.limit || rows.len() < limit {
                break;
            }
            limit = limit.saturating_mul(4);
        }
        found.truncate(self.limit);
        Ok(found)
    }
}

impl Run for ReceiptShow {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<ReceiptShown, OpError> {
        let peer = match &self.peer {
            Some(typed) => Some(agent.find_peer(typed).await?),
            None => None,
        };
        let id = Some(RECEIPTS.id_start(&self.id)?.as_str().to_owned());
        let filter = ReceiptFilter { limit: 2, peer, id, ..ReceiptFilter::default() };
        let rows = agent.state.run(move |tx| Ok(tx.store.receipts(&filter)?)).await?;
        let row = RECEIPTS.only(&self.id, rows, |row| format!("{} --peer {}", row.id, row.peer.short()))?;
        let info = info(&row, &names(agent).await?);
        Ok(ReceiptShown { info, envelope: String::from_utf8_lossy(&row.envelope).into_owned() })
    }
}

const RECEIPTS: Kind = Kind {
    singular: "receipt",
    plural: "receipts",
    code: ErrorCode::Usage,
    hints: &[("see them", &["receipts", "list"])],
};

fn is_of(info: &ReceiptInfo, skill: &str) -> bool {
    info.receipt.as_ref().is_some_and(|receipt| receipt.skill.as_str() == skill)
}

async fn names(agent: &Agent) -> Result<HashMap<PeerId, AgentName>, OpError> {
    let peers = agent.state.run(|tx| Ok(tx.store.peers()?)).await?;
    Ok(peers.into_iter().filter_map(|peer| Some((peer.id, peer.name?))).collect())
}

fn info(row: &ReceiptRow, names: &HashMap<PeerId, AgentName>) -> ReceiptInfo {
    ReceiptInfo {
        id: row.id.to_string(),
        peer: row.peer,
        peer_name: names.get(&row.peer).cloned(),
        role: row.role.name().to_owned(),
        state: row.state.name().to_owned(),
        at_ms: row.at_ms,
        receipt: verify_receipt(&row.envelope).ok(),
    }
}
