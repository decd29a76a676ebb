//! A group's log and what waits for it, as its keeper reads and writes them: bytes that are not ours to read.

use coworker_policy::{GroupId, PeerId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;

/// One entry of a group's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    pub entry: Vec<u8>,
    /// The commit; not known of the one that we came in by.
    pub commit: Option<Vec<u8>>,
}

/// A message of an epoch that is not here yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    pub epoch: u64,
    pub via: PeerId,
    pub sealed: Vec<u8>,
}

impl Tx<'_> {
    /// Adds the entry that ends `epoch`, and throws away those more than `keep` before it.
    pub fn add_group_log(&self, id: GroupId, epoch: u64, row: &LogRow, keep: u64) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO group_log (group_id, epoch, entry, body) VALUES (?1, ?2, ?3, ?4)",
            params![id.as_bytes(), saturated(epoch), row.entry, row.commit],
        )?;
        let old = saturated(epoch.saturating_sub(keep));
        self.run("DELETE FROM group_log WHERE group_id = ?1 AND epoch < ?2", params![id.as_bytes(), old])?;
        Ok(())
    }

    /// Forgets the log, and what was held or proposed.
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

    /// Entries from exactly `epoch` on, without a gap, at most `most`.
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

    /// How many messages are held that members delivered, and how many of them `via` did. Whoever is no
    /// member shares one place with all others who are none, and takes nothing of the members'.
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

    /// Removes what was held for epochs up to `epoch`, and returns it in the order it came.
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
