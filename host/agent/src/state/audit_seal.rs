//! The seal of the audit log: this process signs the log's last row, if it wrote that row itself.
//!
//! A seal without that check would also cover rows that another process put there. So every transaction first compares
//! the last row with the known one, and after a mismatch nothing is sealed any more: from then on `audit verify`
//! reports it.

use std::sync::Arc;

use coworker_channel::Identity;
use coworker_channel::receipt::{seal_audit_head, sealed_audit_head};
use coworker_store::{AuditBroken, AuditHead, AuditVerified, StoreError, Tx};

use super::{StateError, Transaction};

pub(crate) struct AuditSeal {
    identity: Arc<Identity>,
    /// The last row, on disk and sealed; or the reason why nothing is sealed.
    head: Result<Option<AuditHead>, AuditBroken>,
}

impl AuditSeal {
    /// Continues the log. Unless it was `sealed_before`, it is sealed as it is: it is new, or has a format without seals.
    pub(crate) fn resume(
        tx: &Tx<'_>,
        identity: Arc<Identity>,
        sealed_before: bool,
    ) -> Result<Self, StoreError> {
        let us = identity.peer_id();
        let head = if sealed_before {
            let head = tx.sealed_head(|head, signature| sealed_audit_head(us, head, signature))?;
            head.and_then(|head| head.map(Some).ok_or(AuditBroken::Missing { seq: 1 }))
        } else {
            Ok(tx.seal_audit(|head| seal_audit_head(&identity, head))?)
        };
        if let Err(broken) = &head {
            complain(*broken);
        }
        Ok(Self { identity, head })
    }

    /// True if a row was ever sealed.
    pub(crate) fn has_begun(&self) -> bool {
        matches!(self.head, Ok(Some(_)))
    }

    /// Checks at the beginning of a transaction that nobody else wrote since the last one.
    pub(super) fn look(&mut self, tx: &Tx<'_>) -> Result<(), StoreError> {
        if let Ok(known) = self.head
            && tx.audit_head()? != known
        {
            let broken = AuditBroken::Forked { seq: known.map_or(0, |head| head.seq) };
            complain(broken);
            self.head = Err(broken);
        }
        Ok(())
    }

    /// Seals at the end of a transaction. The result must be passed to `committed` after the commit.
    pub(super) fn seal(&self, tx: &Tx<'_>) -> Result<Result<Option<AuditHead>, AuditBroken>, StoreError> {
        match self.head {
            Ok(known) if tx.audit_head()? != known => {
                tx.seal_audit(|head| seal_audit_head(&self.identity, head)).map(Ok)
            }
            same => Ok(same),
        }
    }

    pub(super) fn committed(&mut self, head: Result<Option<AuditHead>, AuditBroken>) {
        self.head = head;
    }
}

fn complain(broken: AuditBroken) {
    tracing::error!(%broken, "the audit log differs from the sealed one; run: coworker audit verify");
}

impl Transaction<'_> {
    /// Deletes the rows from before `before_ms`, if the whole log is intact. Returns the last of them and their number.
    pub(crate) fn prune_audit(
        &mut self,
        before_ms: i64,
    ) -> Result<Result<Option<(AuditHead, u64)>, AuditBroken>, StateError> {
        let before = match self.verify_audit(None)? {
            Ok(verified) => verified.pruned.map_or(0, |base| base.seq),
            Err(broken) => return Ok(Err(broken)),
        };
        let identity = &self.memory.audit_seal.identity;
        let base = self.store.prune_audit(before_ms, |head| seal_audit_head(identity, head))?;
        let counted = |base: AuditHead| (base, u64::try_from(base.seq - before).unwrap_or_default());
        Ok(Ok(base.map(counted)))
    }

    /// Reads the whole audit log; no other job runs meanwhile. `known` is a head that the owner kept.
    pub(crate) fn verify_audit(
        &mut self,
        known: Option<AuditHead>,
    ) -> Result<Result<AuditVerified, AuditBroken>, StateError> {
        let audit_seal = &self.memory.audit_seal;
        // Rows of this transaction count as intact if the log before it was.
        let intact = audit_seal.seal(self.store)?;
        let us = audit_seal.identity.peer_id();
        let genuine = |head: &[u8], signature: &[u8; 64]| sealed_audit_head(us, head, signature);
        let verified = self.store.verify_audit(genuine, known)?;
        Ok(verified.and_then(|verified| intact.map(|_| verified)))
    }
}
