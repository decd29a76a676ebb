use coworker_policy::Digest;
use rusqlite::params;

use super::chain::AuditHead;
use crate::error::StoreError;
use crate::store::Tx;

/// The head of a log and the agent's signature over it.
pub(super) struct Signed {
    pub(super) head: AuditHead,
    pub(super) signature: [u8; 64],
}

impl Tx<'_> {
    /// Deletes the rows before the first one of `before_ms` or later, but never the last row. Returns the last
    /// deleted row, or `None` if none was deleted.
    ///
    /// The caller must [verify](Tx::verify_audit) the log in the same transaction, because tampering with the deleted
    /// rows cannot be detected afterwards. `sign` is as in [`Tx::seal_audit`], over 46 bytes.
    pub fn prune_audit(
        &self,
        before_ms: i64,
        sign: impl FnOnce(&[u8]) -> [u8; 64],
    ) -> Result<Option<AuditHead>, StoreError> {
        let last = self.audit_head()?.map_or(0, |head| head.seq);
        let kept = "SELECT seq FROM audit WHERE at_ms >= ?1 ORDER BY seq LIMIT 1";
        let kept: i64 = self.one(kept, [before_ms], |cells| cells.get("seq"))?.unwrap_or(last).min(last);
        let base = self.one("SELECT seq, hash FROM audit WHERE seq = ?1", [kept - 1], |cells| {
            Ok(AuditHead { seq: cells.get("seq")?, hash: Digest::from_bytes(cells.get("hash")?) })
        })?;
        if let Some(base) = base {
            self.run(
                "INSERT INTO audit_base (only, seq, hash, signature) VALUES (1, ?1, ?2, ?3)
                 ON CONFLICT (only) DO UPDATE SET
                     seq = excluded.seq, hash = excluded.hash, signature = excluded.signature",
                params![base.seq, base.hash.as_bytes(), sign(&base.signed_as_base())],
            )?;
            self.run("DELETE FROM audit WHERE seq <= ?1", [base.seq])?;
        }
        Ok(base)
    }

    pub(super) fn audit_base(&self) -> Result<Option<Signed>, StoreError> {
        self.signed_head("SELECT * FROM audit_base")
    }

    pub(super) fn signed_head(&self, sql: &str) -> Result<Option<Signed>, StoreError> {
        self.one(sql, [], |cells| {
            let hash = Digest::from_bytes(cells.get("hash")?);
            Ok(Signed {
                head: AuditHead { seq: cells.get("seq")?, hash },
                signature: cells.get("signature")?,
            })
        })
    }
}
