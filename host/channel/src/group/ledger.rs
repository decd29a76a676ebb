use std::error::Error;

use coworker_policy::{GroupId, PeerId};

use super::log::{LogEntry, Logged};

/// Where a group's log, and what waits for it, is kept: rows of the caller's, in the transaction of the MLS
/// storage that is passed beside it.
pub trait Ledger {
    type Failure: Error + Send + Sync + 'static;

    /// Adds the entry after the last one.
    fn append(&self, group: GroupId, logged: &Logged) -> Result<(), Self::Failure>;

    /// Forgets the log and everything held or proposed, and starts again with `entry`, whose commit is not
    /// known here.
    fn restart(&self, group: GroupId, entry: &LogEntry) -> Result<(), Self::Failure>;

    fn last(&self, group: GroupId) -> Result<Option<LogEntry>, Self::Failure>;

    /// `None` if there is none, or it was pruned.
    fn entry(&self, group: GroupId, epoch: u64) -> Result<Option<LogEntry>, Self::Failure>;

    /// Up to `most` entries with their commits, in order, from exactly `epoch` on; nothing if that one, or its
    /// commit, is not there.
    fn since(&self, group: GroupId, epoch: u64, most: usize) -> Result<Vec<Logged>, Self::Failure>;

    /// The commit that we asked the steward to put into the log.
    fn propose(&self, group: GroupId, commit: Option<&[u8]>) -> Result<(), Self::Failure>;

    fn proposed(&self, group: GroupId) -> Result<Option<Vec<u8>>, Self::Failure>;

    /// Keeps a message of an epoch that we have not reached.
    fn hold(&self, group: GroupId, held: &Held) -> Result<(), Self::Failure>;

    /// How many messages are held in all, and how many of them came from `via`.
    fn held(&self, group: GroupId, via: PeerId) -> Result<(usize, usize), Self::Failure>;

    /// Removes the messages held for epochs up to `epoch` and returns them in the order they came.
    fn release(&self, group: GroupId, epoch: u64) -> Result<Vec<Held>, Self::Failure>;
}

/// A message of a future epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub epoch: u64,
    /// Who delivered it; who wrote it is known when it is opened.
    pub via: PeerId,
    pub sealed: Vec<u8>,
}
