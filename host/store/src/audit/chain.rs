//! The hash chain of the audit log: each row's hash covers the previous row's hash and its own content.

use std::fmt;
use std::str::FromStr;

use coworker_policy::Digest;
use rusqlite::types::{FromSql, FromSqlResult, ValueRef};
use rusqlite::{Connection, params};

use crate::error::StoreError;
use crate::row::Cells;
use crate::store::Tx;

/// Version of the encoding below.
const DOMAIN: &[u8] = b"coworker/audit-row/v1\0";
/// The hash that the first row follows.
const GENESIS: Digest = Digest::from_bytes([0; 32]);

/// The last row of an audit log. Its hash covers all rows before it.
///
/// Written as `SEQ:` and 64 hexadecimal digits. The owner can keep one elsewhere and check later that the log still
/// contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    pub seq: i64,
    pub hash: Digest,
}

#[derive(Debug, thiserror::Error)]
#[error("not the head of an audit log: expected a number, a colon and 64 hexadecimal digits")]
pub struct AuditHeadError;

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash.hex())
    }
}

impl FromStr for AuditHead {
    type Err = AuditHeadError;

    fn from_str(text: &str) -> Result<Self, AuditHeadError> {
        let (seq, hex) = text.split_once(':').ok_or(AuditHeadError)?;
        let hash = format!("sha256:{hex}").parse().map_err(|_| AuditHeadError)?;
        Ok(Self { seq: seq.parse().map_err(|_| AuditHeadError)?, hash })
    }
}

impl AuditHead {
    /// The bytes that a seal signs. The signer prepends its own domain.
    pub(super) fn signed(&self) -> [u8; 40] {
        let mut bytes = [0; 40];
        bytes[..8].copy_from_slice(&self.seq.to_be_bytes());
        bytes[8..].copy_from_slice(self.hash.as_bytes());
        bytes
    }

    /// The bytes that are signed for the last pruned row. They are longer than those of a seal, so that neither
    /// signature can be used as the other.
    pub(super) fn signed_as_base(&self) -> [u8; 46] {
        let mut bytes = *b"........................................pruned";
        bytes[..40].copy_from_slice(&self.signed());
        bytes
    }

    /// The head of an empty log.
    pub(super) const START: Self = Self { seq: 0, hash: GENESIS };

    /// Returns the head after one more row.
    pub(super) fn then(self, row: &RowText<'_>) -> Self {
        Self { seq: self.seq.saturating_add(1), hash: row.hash(self) }
    }
}

/// The content of a row as its hash covers it: the text in the database, whether or not it still parses.
pub(super) struct RowText<'a> {
    pub(super) at_ms: i64,
    pub(super) event: &'a [u8],
    pub(super) peer: Option<&'a [u8]>,
    pub(super) task: Option<&'a [u8]>,
    pub(super) skill: Option<&'a [u8]>,
    pub(super) detail: &'a [u8],
}

impl RowText<'_> {
    /// Encodes the presence and length of each field, so that no two rows have the same encoding.
    fn hash(&self, before: AuditHead) -> Digest {
        let mut bytes = DOMAIN.to_vec();
        bytes.extend_from_slice(before.hash.as_bytes());
        bytes.extend_from_slice(&before.seq.saturating_add(1).to_be_bytes());
        bytes.extend_from_slice(&self.at_ms.to_be_bytes());
        for field in [Some(self.event), self.peer, self.task, self.skill, Some(self.detail)] {
            bytes.push(u8::from(field.is_some()));
            let field = field.unwrap_or_default();
            bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
            bytes.extend_from_slice(field);
        }
        Digest::of(&bytes)
    }
}

/// A row of the table, as [`RowText`] borrow it.
pub(super) struct OwnedRowText {
    at_ms: i64,
    event: Raw,
    peer: Option<Raw>,
    task: Option<Raw>,
    skill: Option<Raw>,
    detail: Raw,
}

impl OwnedRowText {
    pub(super) fn read(cells: &Cells<'_, '_>) -> Result<Self, StoreError> {
        Ok(Self {
            at_ms: cells.get("at_ms")?,
            event: cells.get("event")?,
            peer: cells.get("peer")?,
            task: cells.get("task")?,
            skill: cells.get("skill")?,
            detail: cells.get("detail")?,
        })
    }

    pub(super) fn text(&self) -> RowText<'_> {
        RowText {
            at_ms: self.at_ms,
            event: self.event.bytes(),
            peer: self.peer.as_ref().map(Raw::bytes),
            task: self.task.as_ref().map(Raw::bytes),
            skill: self.skill.as_ref().map(Raw::bytes),
            detail: self.detail.bytes(),
        }
    }
}

/// Text that may have been changed to invalid UTF-8.
struct Raw(Vec<u8>);

impl Raw {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromSql for Raw {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(value.as_bytes()?.to_vec()))
    }
}

impl Tx<'_> {
    /// Returns the last row, or `None` if the log is empty.
    pub fn audit_head(&self) -> Result<Option<AuditHead>, StoreError> {
        self.one("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", [], |cells| {
            Ok(AuditHead { seq: cells.get("seq")?, hash: Digest::from_bytes(cells.get("hash")?) })
        })
    }

    pub(super) fn next_head(&self, row: &RowText<'_>) -> Result<AuditHead, StoreError> {
        Ok(self.audit_head()?.unwrap_or(AuditHead::START).then(row))
    }
}

/// Copies the rows of a log from before the hash chain into the new table. Rows are numbered from 1 without gaps.
pub(crate) fn fill(connection: &Connection) -> Result<(), StoreError> {
    let mut head = AuditHead::START;
    let mut rows = connection.prepare("SELECT * FROM audit_unchained ORDER BY seq")?;
    let mut insert = connection.prepare(
        "INSERT INTO audit (seq, at_ms, event, peer, task, skill, detail, hash)
         SELECT ?1, at_ms, event, peer, task, skill, detail, ?2 FROM audit_unchained WHERE seq = ?3",
    )?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let cells = Cells::of(row);
        head = head.then(&OwnedRowText::read(&cells)?.text());
        insert.execute(params![head.seq, head.hash.as_bytes(), cells.get::<i64>("seq")?])?;
    }
    Ok(())
}
