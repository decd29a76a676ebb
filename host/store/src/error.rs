use std::error::Error;
use std::io;
use std::path::PathBuf;

use coworker_policy::{Digest, PeerId, SkillName};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot create the database file {}", path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("cannot open the database {}", path.display())]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error(
        "the database has format {found}, but this program supports formats up to {known}; use a newer coworker"
    )]
    TooNew { found: usize, known: usize },
    #[error("cannot migrate the database to the current format")]
    Migrate(#[source] Box<dyn Error + Send + Sync>),
    /// `place` is a table, or `table.column`.
    #[error("the database is damaged: a row has an invalid `{place}`; restore the database from a backup")]
    Corrupt { place: String, source: Box<dyn Error + Send + Sync> },
    #[error("the component {digest} already provides skill `{skill}`")]
    SkillTaken { skill: SkillName, digest: Digest },
    #[error("message {seq} to {peer} is out of order in its session", peer = peer.short())]
    OutOfStep { peer: PeerId, seq: u64 },
    #[error("message {id} is not waiting to be sealed")]
    NotWaiting { id: i64 },
    /// `SQLite` rolls a whole transaction back on its own, for example when the disk is full.
    #[error("SQLite rolled the transaction back; check that the disk has free space")]
    RolledBack,
    #[error("a database query failed")]
    Sql(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}
