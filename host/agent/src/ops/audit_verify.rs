use coworker_api::ops::{AuditVerified, AuditVerify, Broken};
use coworker_policy::ErrorCode;
use coworker_store::{AuditBroken, AuditHead};

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

impl Run for AuditVerify {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<AuditVerified, OpError> {
        let known = self.head.as_deref().map(str::parse::<AuditHead>).transpose();
        let known = known.map_err(|error| OpError { code: ErrorCode::Usage, ..OpError::fault(&error) })?;
        Ok(match agent.state.run(move |tx| tx.verify_audit(known)).await? {
            Ok(verified) => AuditVerified {
                rows: verified.rows,
                head: verified.head.map(|head| head.to_string()),
                pruned: verified.pruned.map(|head| head.to_string()),
                broken: None,
            },
            Err(broken) => {
                AuditVerified { rows: 0, head: None, pruned: None, broken: Some(problem(&broken)) }
            }
        })
    }
}

fn problem(broken: &AuditBroken) -> Broken {
    let (what, seq) = match *broken {
        AuditBroken::Missing { seq } => ("missing", seq),
        AuditBroken::Changed { seq } => ("changed", seq),
        AuditBroken::Rewritten { seq } => ("rewritten", seq),
        AuditBroken::NotSealed { seq } => ("not_sealed", seq),
        AuditBroken::ForgedSeal => ("forged_seal", 0),
        AuditBroken::Forked { seq } => ("forked", seq),
        AuditBroken::Pruned { seq, .. } => ("thrown_away", seq),
    };
    Broken { what: what.to_owned(), seq, message: broken.to_string() }
}
