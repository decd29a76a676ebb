use std::collections::HashMap;

use coworker_policy::{AgentName, ErrorCode, PeerId};
use coworker_store::{ReceiptFilter, ReceiptRow};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::typed::Kind;
use crate::serve::receipt_reading::ReceiptRead;

/// The receipts that this agent keeps, newest first.
#[derive(Debug, Serialize, Deserialize)]
pub struct Receipts {
    /// At most this many.
    pub limit: usize,
    pub peer: Option<String>,
    pub skill: Option<String>,
}

/// One receipt, as it was signed.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReceiptShow {
    /// The request's id, or the start of it.
    pub id: String,
    /// Whose, where two peers chose one id.
    pub peer: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ReceiptInfo {
    pub id: String,
    /// The other side.
    pub peer: PeerId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_name: Option<AgentName>,
    /// Ours in the call: `caller` or `provider`.
    pub role: String,
    /// `draft` until the caller signed, `complete` then, `disputed` if we did not agree.
    pub state: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// `None` if it is not as it was signed any more.
    pub receipt: Option<ReceiptRead>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ReceiptShown {
    #[serde(flatten)]
    pub info: ReceiptInfo,
    /// The DSSE envelope, byte for byte.
    pub envelope: String,
}

impl Operation for Receipts {
    type Answer = Vec<ReceiptInfo>;

    async fn run(self, agent: &Agent) -> Result<Vec<ReceiptInfo>, OpError> {
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

impl Operation for ReceiptShow {
    type Answer = ReceiptShown;

    async fn run(self, agent: &Agent) -> Result<ReceiptShown, OpError> {
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
    hint: "see them: coworker receipts list",
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
        receipt: ReceiptRead::verify(&row.envelope).ok(),
    }
}
