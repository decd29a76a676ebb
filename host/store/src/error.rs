use std::error::Error;
use std::io;
use std::path::PathBuf;

use coworker_policy::{Digest, PeerId, SkillName};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot make the database file {}", path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("cannot open the database {}", path.display())]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("the database has format {found}, this program knows up to {known}: use a newer coworker")]
    TooNew { found: usize, known: usize },
    #[error("cannot bring the database to the current format")]
    Migrate(#[source] Box<dyn Error + Send + Sync>),
    /// `place` is a table and usually a column, as `table.column`.
    #[error("cannot read `{place}` in the database: the row is damaged")]
    Corrupt { place: String, source: Box<dyn Error + Send + Sync> },
    #[error("skill `{skill}` belongs to the component {digest}")]
    SkillTaken { skill: SkillName, digest: Digest },
    #[error("message {seq} to {peer} is not the next one of its session", peer = peer.short())]
    OutOfStep { peer: PeerId, seq: u64 },
    #[error("message {id} does not wait to be sealed")]
    NotWaiting { id: i64 },
    /// `SQLite` gives up a whole transaction by itself when, for example, the disk is full.
    #[error("the transaction was given up")]
    RolledBack,
    #[error("the database failed")]
    Sql(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}
