use std::time::Duration;

use coworker_policy::ErrorCode;
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::state::audit;

const SHORTEST: Duration = Duration::from_hours(24);

/// Throws old rows of the audit log away, for good. The log stays a chain: it begins with the agent's signature for
/// the last of them.
#[derive(Debug, Serialize, Deserialize)]
pub struct AuditPrune {
    /// Rows that are older; a day at least.
    pub older_than: Duration,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct AuditPruned {
    pub rows: u64,
    /// The last of them, `SEQ:HASH`; `None` if there was none.
    pub up_to: Option<String>,
}

impl Operation for AuditPrune {
    type Answer = AuditPruned;

    async fn run(self, agent: &Agent) -> Result<AuditPruned, OpError> {
        if self.older_than < SHORTEST {
            return Err(OpError::new(ErrorCode::Usage, "the last day of the audit log is kept"));
        }
        let age_ms = i64::try_from(self.older_than.as_millis()).unwrap_or(i64::MAX);
        let prune = agent.state.run(move |tx| {
            let pruned = tx.prune_audit(tx.now.saturating_sub(age_ms))?;
            if let Ok(Some((base, rows))) = pruned {
                audit::pruned(tx, base, rows)?;
            }
            Ok(pruned)
        });
        match prune.await? {
            Ok(Some((base, rows))) => Ok(AuditPruned { rows, up_to: Some(base.to_string()) }),
            Ok(None) => Ok(AuditPruned { rows: 0, up_to: None }),
            Err(broken) => {
                let message = format!("the audit log is not as it was written: {broken}");
                Err(OpError::new(ErrorCode::InvalidInput, message)
                    .hint("nothing was thrown away: coworker audit verify"))
            }
        }
    }
}
