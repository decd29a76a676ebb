use coworker_policy::ErrorCode;
use coworker_store::{AuditBroken, AuditHead};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::base::error::OpError;

/// Reads the whole audit log and says whether it is the one that was written.
#[derive(Debug, Serialize, Deserialize)]
pub struct AuditVerify {
    /// A head that was printed before, `SEQ:HASH`: the log must go on from there.
    pub head: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct AuditVerified {
    /// Rows that are as they were written.
    pub rows: u64,
    /// The last one, to be kept elsewhere; `None` if nothing was ever written.
    pub head: Option<String>,
    /// The last of the rows that the owner threw away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned: Option<String>,
    /// The first thing that is wrong.
    pub broken: Option<Broken>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Broken {
    pub what: String,
    /// The row; 0 for none.
    pub seq: i64,
    pub message: String,
}

impl Operation for AuditVerify {
    type Answer = AuditVerified;

    async fn run(self, agent: &Agent) -> Result<AuditVerified, OpError> {
        let known = self.head.as_deref().map(str::parse::<AuditHead>).transpose();
        let known = known.map_err(|error| OpError { code: ErrorCode::Usage, ..OpError::fault(&error) })?;
        Ok(match agent.state.run(move |tx| tx.verify_audit(known)).await? {
            Ok(verified) => AuditVerified {
                rows: verified.rows,
                head: verified.head.map(|head| head.to_string()),
                pruned: verified.pruned.map(|head| head.to_string()),
                broken: None,
            },
            Err(broken) => AuditVerified { rows: 0, head: None, pruned: None, broken: Some(broken.into()) },
        })
    }
}

impl From<AuditBroken> for Broken {
    fn from(broken: AuditBroken) -> Self {
        let (what, seq) = match broken {
            AuditBroken::Missing { seq } => ("missing", seq),
            AuditBroken::Changed { seq } => ("changed", seq),
            AuditBroken::Rewritten { seq } => ("rewritten", seq),
            AuditBroken::NotSealed { seq } => ("not_sealed", seq),
            AuditBroken::ForgedSeal => ("forged_seal", 0),
            AuditBroken::Forked { seq } => ("forked", seq),
            AuditBroken::Pruned { seq, .. } => ("thrown_away", seq),
        };
        Self { what: what.to_owned(), seq, message: broken.to_string() }
    }
}
