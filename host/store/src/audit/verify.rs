use std::cmp::Ordering;

use rusqlite::params;

use super::chain::{AuditHead, OwnedRowText};
use super::prune::Signed;
use crate::error::StoreError;
use crate::row::Cells;
use crate::store::Tx;

/// Result of a successful verification: every row is as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditVerified {
    pub rows: u64,
    /// `None` if the log is empty.
    pub head: Option<AuditHead>,
    /// The last row that the owner pruned.
    pub pruned: Option<AuditHead>,
}

/// The first fault that a verification found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditBroken {
    #[error("row {seq} is missing")]
    Missing { seq: i64 },
    #[error("row {seq} was changed or moved")]
    Changed { seq: i64 },
    #[error("the rows up to {seq} were replaced: they are not the rows that this agent sealed")]
    Rewritten { seq: i64 },
    #[error("row {seq} and the rows after it were added without this agent's key")]
    NotSealed { seq: i64 },
    #[error("the seal was not made by this agent")]
    ForgedSeal,
    #[error("the log does not contain the known head {seq}")]
    Forked { seq: i64 },
    #[error("the owner pruned the rows up to {base}, so the known head {seq} can no longer be compared")]
    Pruned { seq: i64, base: i64 },
}

impl Tx<'_> {
    /// Seals the log: signs the last row, whose hash covers all rows before it. Call it before every commit that may
    /// have written a row. Does nothing if the last row is sealed already. `sign` gets 40 bytes, and must separate
    /// this signature's domain from those of all other signatures.
    pub fn seal_audit(&self, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Result<Option<AuditHead>, StoreError> {
        let Some(head) = self.audit_head()? else { return Ok(None) };
        if self.audit_seal()?.is_some_and(|seal| seal.head == head) {
            return Ok(Some(head));
        }
        self.run(
            "INSERT INTO audit_seal (only, seq, hash, signature) VALUES (1, ?1, ?2, ?3)
             ON CONFLICT (only) DO UPDATE SET
                 seq = excluded.seq, hash = excluded.hash, signature = excluded.signature",
            params![head.seq, head.hash.as_bytes(), sign(&head.signed())],
        )?;
        Ok(Some(head))
    }

    /// Returns the last row if it is the sealed one. Reads no other row. The agent checks this when it starts, so that
    /// its next seal does not cover rows that another program appended.
    pub fn sealed_head(
        &self,
        genuine: impl FnOnce(&[u8], &[u8; 64]) -> bool,
    ) -> Result<Result<Option<AuditHead>, AuditBroken>, StoreError> {
        let (head, seal) = (self.audit_head()?, self.audit_seal()?);
        if seal.as_ref().is_some_and(|seal| !genuine(&seal.head.signed(), &seal.signature)) {
            return Ok(Err(AuditBroken::ForgedSeal));
        }
        let sealed = seal.map(|seal| seal.head);
        let (last, due) = (head.map_or(0, |head| head.seq), sealed.map_or(0, |head| head.seq));
        Ok(match last.cmp(&due) {
            _ if head == sealed => Ok(head),
            Ordering::Less => Err(AuditBroken::Missing { seq: last.saturating_add(1) }),
            Ordering::Equal => Err(AuditBroken::Rewritten { seq: last }),
            Ordering::Greater => Err(AuditBroken::NotSealed { seq: due.saturating_add(1) }),
        })
    }

    /// Verifies the whole log row by row. `genuine` returns true if the signature over these bytes is this agent's.
    /// `known` is a head from elsewhere, for example a note of the owner, that the log must contain.
    pub fn verify_audit(
        &self,
        genuine: impl Fn(&[u8], &[u8; 64]) -> bool,
        known: Option<AuditHead>,
    ) -> Result<Result<AuditVerified, AuditBroken>, StoreError> {
        let seal = self.audit_seal()?;
        if seal.as_ref().is_some_and(|seal| !genuine(&seal.head.signed(), &seal.signature)) {
            return Ok(Err(AuditBroken::ForgedSeal));
        }
        let base = self.audit_base()?;
        if base.as_ref().is_some_and(|base| !genuine(&base.head.signed_as_base(), &base.signature)) {
            return Ok(Err(AuditBroken::ForgedSeal));
        }
        let base = base.map(|base| base.head);
        let at = base.unwrap_or(AuditHead::START);
        let mut verification = Verification { at, base, sealed: seal.map(|seal| seal.head), known };
        if let Err(broken) = verification.compare() {
            return Ok(Err(broken));
        }
        let mut broken = None;
        self.each("SELECT * FROM audit ORDER BY seq", [], |cells| {
            broken = verification.step(cells)?.err();
            Ok(broken.is_none())
        })?;
        Ok(broken.map_or_else(|| verification.end(), Err))
    }

    fn audit_seal(&self) -> Result<Option<Signed>, StoreError> {
        self.signed_head("SELECT * FROM audit_seal")
    }
}

/// A verification in progress: the row that was reached, and the heads that must be met.
struct Verification {
    at: AuditHead,
    /// The last pruned row, where the verification began.
    base: Option<AuditHead>,
    sealed: Option<AuditHead>,
    known: Option<AuditHead>,
}

impl Verification {
    fn step(&mut self, cells: &Cells<'_, '_>) -> Result<Result<(), AuditBroken>, StoreError> {
        let seq: i64 = cells.get("seq")?;
        let due = self.at.seq.saturating_add(1);
        if seq > due {
            return Ok(Err(AuditBroken::Missing { seq: due }));
        }
        self.at = self.at.then(&OwnedRowText::read(cells)?.text());
        let kept: Vec<u8> = cells.get("hash")?;
        if seq < due || kept != self.at.hash.as_bytes() {
            return Ok(Err(AuditBroken::Changed { seq }));
        }
        Ok(self.compare())
    }

    fn compare(&self) -> Result<(), AuditBroken> {
        let differs = |head: &AuditHead| head.seq == self.at.seq && head.hash != self.at.hash;
        let seq = self.at.seq;
        if self.sealed.as_ref().is_some_and(differs) {
            return Err(AuditBroken::Rewritten { seq });
        }
        if self.known.as_ref().is_some_and(differs) { Err(AuditBroken::Forked { seq }) } else { Ok(()) }
    }

    fn end(self) -> Result<AuditVerified, AuditBroken> {
        let last = self.at.seq;
        let sealed = self.sealed.map_or(0, |head| head.seq);
        if sealed > last {
            return Err(AuditBroken::Missing { seq: last.saturating_add(1) });
        }
        if sealed < last {
            return Err(AuditBroken::NotSealed { seq: sealed.saturating_add(1) });
        }
        let base = self.base.map_or(0, |base| base.seq);
        if let Some(known) = self.known.filter(|known| (1..base).contains(&known.seq)) {
            return Err(AuditBroken::Pruned { seq: known.seq, base });
        }
        if let Some(known) = self.known.filter(|known| known.seq > last || known.seq < 1) {
            return Err(AuditBroken::Forked { seq: known.seq });
        }
        let head = (last > 0).then_some(self.at);
        Ok(AuditVerified { rows: u64::try_from(last - base).unwrap_or_default(), head, pruned: self.base })
    }
}
