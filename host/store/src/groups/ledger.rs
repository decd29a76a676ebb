//! The log of a group's commits, and messages that wait for a later epoch. All are opaque bytes here.

use coworker_policy::{GroupId, PeerId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;

/// One entry of a group's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    pub entry: Vec<u8>,
    /// The commit. Unknown for the entry with which we joined.
    pub commit: Option<Vec<u8>>,
}

/// A message of an epoch that we have not reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    pub epoch: u64,
    pub via: PeerId,
    pub sealed: Vec<u8>,
}

impl Tx<'_> {
    /// Adds the entry that ends `epoch`, and deletes entries more than `keep` epochs older.
    pub fn add_group_log(&self, id: GroupId, epoch: u64, row: &LogRow, keep: u64) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO group_log (group_id, epoch, entry, body) VALUES (?1, ?2, ?3, ?4)",
            params![id.as_bytes(), saturated(epoch), row.entry, row.commit],
        )?;
        let old = saturated(epoch.saturating_sub(keep));
        self.run("DELETE FROM group_log WHERE group_id = ?1 AND epoch < ?2", params![id.as_bytes(), old])?;
        Ok(())
    }

    /// Deletes the log, held messages and our proposed commit.
    pub fn restart_group_log(&self, id: GroupId) -> Result<(), StoreError> {
        for sql in [
            "DELETE FROM group_log WHERE group_id = ?1",
            "DELETE FROM group_proposed WHERE group_id = ?1",
            "DELETE FROM group_held WHERE group_id = ?1",
        ] {
            self.run(sql, [id.as_bytes()])?;
        }
        Ok(())
    }

    pub fn last_group_log(&self, id: GroupId) -> Result<Option<LogRow>, StoreError> {
        self.one(
            "SELECT * FROM group_log WHERE group_id = ?1 ORDER BY epoch DESC LIMIT 1",
            [id.as_bytes()],
            log,
        )
    }

    pub fn group_log(&self, id: GroupId, epoch: u64) -> Result<Option<LogRow>, StoreError> {
        let sql = "SELECT * FROM group_log WHERE group_id = ?1 AND epoch = ?2";
        self.one(sql, params![id.as_bytes(), saturated(epoch)], log)
    }

    /// Returns at most `most` consecutive entries that start at `epoch`. Stops at a gap or at an unknown commit.
    pub fn group_log_since(&self, id: GroupId, epoch: u64, most: usize) -> Result<Vec<LogRow>, StoreError> {
        let sql = "SELECT * FROM group_log WHERE group_id = ?1 AND epoch >= ?2 ORDER BY epoch LIMIT ?3";
        let mut rows = Vec::new();
        let mut next = epoch;
        self.each(sql, params![id.as_bytes(), saturated(epoch), saturated(most)], |cells| {
            let row = log(cells)?;
            let follows = cells.get::<u64>("epoch")? == next && row.commit.is_some();
            next = next.saturating_add(1);
            if follows {
                rows.push(row);
            }
            Ok(follows)
        })?;
        Ok(rows)
    }

    pub fn set_group_proposed(&self, id: GroupId, commit: Option<&[u8]>) -> Result<(), StoreError> {
        match commit {
            Some(body) => {
                let sql = "INSERT OR REPLACE INTO group_proposed (group_id, body) VALUES (?1, ?2)";
                self.run(sql, params![id.as_bytes(), body])?;
            }
            None => {
                self.run("DELETE FROM group_proposed WHERE group_id = ?1", [id.as_bytes()])?;
            }
        }
        Ok(())
    }

    pub fn group_proposed(&self, id: GroupId) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT body FROM group_proposed WHERE group_id = ?1";
        self.one(sql, [id.as_bytes()], |cells| cells.get("body"))
    }

    pub fn hold_for_group(&self, id: GroupId, held: &HeldRow) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO group_held (group_id, epoch, via, sealed) VALUES (?1, ?2, ?3, ?4)",
            params![id.as_bytes(), saturated(held.epoch), held.via.to_string(), held.sealed],
        )?;
        Ok(())
    }

    /// Returns the number of held messages that members delivered, and the number that `via` delivered. If `via` is
    /// not a member, both are the number that all non-members delivered: they share one quota, apart from the members'.
    pub fn held_for_group(&self, id: GroupId, via: PeerId) -> Result<(usize, usize), StoreError> {
        let member = "SELECT count(*) AS count FROM group_members WHERE group_id = ?1 AND peer = ?2";
        let is_member = self.count(member, params![id.as_bytes(), via.to_string()])? > 0;
        let held = "SELECT count(*) AS count FROM group_held WHERE group_id = ?1";
        let members = "(SELECT peer FROM group_members WHERE group_id = ?1)";
        if is_member {
            let all = self.count(&format!("{held} AND via IN {members}"), [id.as_bytes()])?;
            return Ok((
                all,
                self.count(&format!("{held} AND via = ?2"), params![id.as_bytes(), via.to_string()])?,
            ));
        }
        let strangers = self.count(&format!("{held} AND via NOT IN {members}"), [id.as_bytes()])?;
        Ok((strangers, strangers))
    }

    /// Removes and returns the messages held for epochs up to `epoch`, in the order of their arrival.
    pub fn release_for_group(&self, id: GroupId, epoch: u64) -> Result<Vec<HeldRow>, StoreError> {
        let held = self.all(
            "SELECT * FROM group_held WHERE group_id = ?1 AND epoch <= ?2 ORDER BY n",
            params![id.as_bytes(), saturated(epoch)],
            |cells| {
                Ok(HeldRow {
                    epoch: cells.get("epoch")?,
                    via: cells.parsed("via")?,
                    sealed: cells.get("sealed")?,
                })
            },
        )?;
        let sql = "DELETE FROM group_held WHERE group_id = ?1 AND epoch <= ?2";
        self.run(sql, params![id.as_bytes(), saturated(epoch)])?;
        Ok(held)
    }
}

fn log(cells: &Cells<'_, '_>) -> Result<LogRow, StoreError> {
    Ok(LogRow { entry: cells.get("entry")?, commit: cells.get("body")? })
}
