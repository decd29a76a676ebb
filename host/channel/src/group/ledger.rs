use std::error::Error;

use coworker_policy::{GroupId, PeerId};

use crate::group_log::{LogEntry, Logged};

/// Stores a group's log and the messages held for later epochs. The caller implements it with rows in the same
/// transaction as the MLS storage.
pub trait Ledger {
    type Failure: Error + Send + Sync + 'static;

    /// Adds the entry after the last one.
    fn append(&self, group: GroupId, logged: &Logged) -> Result<(), Self::Failure>;

    /// Deletes the log and everything held or proposed, and starts again with `entry`. The commit of `entry`
    /// is unknown.
    fn restart(&self, group: GroupId, entry: &LogEntry) -> Result<(), Self::Failure>;

    fn last(&self, group: GroupId) -> Result<Option<LogEntry>, Self::Failure>;

    /// Returns `None` if the entry does not exist or was pruned.
    fn entry(&self, group: GroupId, epoch: u64) -> Result<Option<LogEntry>, Self::Failure>;

    /// Returns up to `most` entries with their commits, in order and starting exactly at `epoch`. Returns
    /// nothing if the entry of `epoch` or its commit is missing.
    fn since(&self, group: GroupId, epoch: u64, most: usize) -> Result<Vec<Logged>, Self::Failure>;

    /// Stores the commit that we asked the steward to put into the log. `None` deletes it.
    fn propose(&self, group: GroupId, commit: Option<&[u8]>) -> Result<(), Self::Failure>;

    fn proposed(&self, group: GroupId) -> Result<Option<Vec<u8>>, Self::Failure>;

    /// Keeps a message of an epoch that we have not reached.
    fn hold(&self, group: GroupId, held: &Held) -> Result<(), Self::Failure>;

    /// Returns the number of held messages, and how many of them `via` delivered.
    fn held(&self, group: GroupId, via: PeerId) -> Result<(usize, usize), Self::Failure>;

    /// Removes the messages held for epochs up to `epoch` and returns them in the order of their arrival.
    fn release(&self, group: GroupId, epoch: u64) -> Result<Vec<Held>, Self::Failure>;
}

/// A message of a future epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub epoch: u64,
    /// The peer that delivered it. Its author is known only once it is opened.
    pub via: PeerId,
    pub sealed: Vec<u8>,
}
