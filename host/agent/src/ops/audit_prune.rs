use std::time::Duration;

use coworker_api::ops::{AuditPrune, AuditPruned};
use coworker_policy::ErrorCode;

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::state::audit;

const SHORTEST: Duration = Duration::from_hours(24);

impl Run for AuditPrune {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<AuditPruned, OpError> {
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
                    .suggest("nothing was thrown away", ["audit", "verify"]))
            }
        }
    }
}
