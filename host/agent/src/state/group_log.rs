use coworker_channel::{Held, Ledger, LogEntry, Logged};
use coworker_policy::{GroupId, PeerId};
use coworker_store::{HeldRow, LogRow, StoreError, Tx};

/// Entries kept of a group's log. A member that missed more of them rejoins.
const KEEP_LOG: u64 = 512;

/// A group's log, in the transaction of the current job.
pub(crate) struct GroupLog<'a>(pub(crate) &'a Tx<'a>);

impl Ledger for GroupLog<'_> {
    type Failure = StoreError;

    fn append(&self, group: GroupId, logged: &Logged) -> Result<(), StoreError> {
        let row = LogRow { entry: logged.entry.encode(), commit: Some(logged.commit.clone()) };
        self.0.add_group_log(group, logged.entry.epoch(), &row, KEEP_LOG)
    }

    fn restart(&self, group: GroupId, entry: &LogEntry) -> Result<(), StoreError> {
        self.0.restart_group_log(group)?;
        let row = LogRow { entry: entry.encode(), commit: None };
        self.0.add_group_log(group, entry.epoch(), &row, KEEP_LOG)
    }

    fn last(&self, group: GroupId) -> Result<Option<LogEntry>, StoreError> {
        self.0.last_group_log(group)?.map(|row| entry(&row)).transpose()
    }

    fn entry(&self, group: GroupId, epoch: u64) -> Result<Option<LogEntry>, StoreError> {
        self.0.group_log(group, epoch)?.map(|row| entry(&row)).transpose()
    }

    fn since(&self, group: GroupId, epoch: u64, most: usize) -> Result<Vec<Logged>, StoreError> {
        let rows = self.0.group_log_since(group, epoch, most)?;
        let known = |row: LogRow| {
            let entry = entry(&row);
            row.commit.map(|commit| Ok(Logged { entry: entry?, commit }))
        };
        rows.into_iter().filter_map(known).collect()
    }

    fn propose(&self, group: GroupId, commit: Option<&[u8]>) -> Result<(), StoreError> {
        self.0.set_group_proposed(group, commit)
    }

    fn proposed(&self, group: GroupId) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.group_proposed(group)
    }

    fn hold(&self, group: GroupId, held: &Held) -> Result<(), StoreError> {
        let row = HeldRow { epoch: held.epoch, via: held.via, sealed: held.sealed.clone() };
        self.0.hold_for_group(group, &row)
    }

    fn held(&self, group: GroupId, via: PeerId) -> Result<(usize, usize), StoreError> {
        self.0.held_for_group(group, via)
    }

    fn release(&self, group: GroupId, epoch: u64) -> Result<Vec<Held>, StoreError> {
        let rows = self.0.release_for_group(group, epoch)?;
        let held = |row: HeldRow| Held { epoch: row.epoch, via: row.via, sealed: row.sealed };
        Ok(rows.into_iter().map(held).collect())
    }
}

fn entry(row: &LogRow) -> Result<LogEntry, StoreError> {
    LogEntry::decode(&row.entry)
        .map_err(|error| StoreError::Corrupt { place: "group_log.entry".to_owned(), source: error.into() })
}
