//! Conversations of many: who is in them, what was said, and what is on its way in or out.

mod ledger;
mod messages;
mod repair;

use coworker_policy::{GroupId, PeerId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;

pub use ledger::{HeldRow, LogRow};
pub use messages::GroupMessageRow;
pub use repair::Owed;

/// A group that we are in, or were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    pub id: GroupId,
    pub name: String,
    /// We were removed.
    pub ended: bool,
    /// The highest number that a message of it had.
    pub clock: u64,
    /// What was said up to this number was thrown away.
    pub floor: u64,
    /// When we last rotated our keys in it, or came in.
    pub renewed_ms: i64,
}

/// An invitation that waits for the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInviteRow {
    pub id: GroupId,
    pub steward: PeerId,
    pub name: String,
    /// How many the steward says are in it.
    pub members: u64,
    pub at_ms: i64,
}

/// A key package of ours that a steward has, and no welcome yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTicketRow {
    pub id: GroupId,
    pub steward: PeerId,
    pub name: String,
    pub package: Vec<u8>,
    pub at_ms: i64,
}

impl Tx<'_> {
    /// Adds the group, or brings its row up to date. Clock and floor of one that was there never go down.
    pub fn put_group(&self, row: &GroupRow) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO groups (id, name, ended, clock, floor, renewed_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE SET name = ?2, ended = ?3, clock = max(clock, ?4),
                 floor = max(floor, ?5), renewed_ms = ?6",
            params![
                row.id.as_bytes(),
                row.name,
                row.ended,
                saturated(row.clock),
                saturated(row.floor),
                row.renewed_ms
            ],
        )?;
        Ok(())
    }

    pub fn group(&self, id: GroupId) -> Result<Option<GroupRow>, StoreError> {
        self.one("SELECT * FROM groups WHERE id = ?1", [id.as_bytes()], group)
    }

    /// In the order of their names.
    pub fn groups(&self) -> Result<Vec<GroupRow>, StoreError> {
        self.all("SELECT * FROM groups ORDER BY name COLLATE NOCASE, id", [], group)
    }

    /// Forgets everything about a group. Its MLS state is the caller's.
    pub fn forget_group(&self, id: GroupId) -> Result<(), StoreError> {
        self.run("DELETE FROM groups WHERE id = ?1", [id.as_bytes()])?;
        self.run("DELETE FROM group_messages WHERE group_id = ?1", [id.as_bytes()])?;
        self.close_group(id)
    }

    /// Forgets what a group needs to go on; what was said stays.
    pub fn close_group(&self, id: GroupId) -> Result<(), StoreError> {
        for sql in [
            "DELETE FROM group_members WHERE group_id = ?1",
            "DELETE FROM group_log WHERE group_id = ?1",
            "DELETE FROM group_proposed WHERE group_id = ?1",
            "DELETE FROM group_held WHERE group_id = ?1",
            "DELETE FROM group_invites WHERE group_id = ?1",
            "DELETE FROM group_invited WHERE group_id = ?1",
            "DELETE FROM group_tickets WHERE group_id = ?1",
            "DELETE FROM group_missed WHERE group_id = ?1",
            "DELETE FROM group_owed WHERE group_id = ?1",
        ] {
            self.run(sql, [id.as_bytes()])?;
        }
        Ok(())
    }

    pub fn set_group_members(&self, id: GroupId, members: &[PeerId]) -> Result<(), StoreError> {
        self.run("DELETE FROM group_members WHERE group_id = ?1", [id.as_bytes()])?;
        members.iter().try_for_each(|peer| {
            let sql = "INSERT OR IGNORE INTO group_members (group_id, peer) VALUES (?1, ?2)";
            self.run(sql, params![id.as_bytes(), peer.to_string()]).map(drop)
        })
    }

    /// The groups that `peer` is in with us.
    pub fn groups_with(&self, peer: PeerId) -> Result<Vec<GroupId>, StoreError> {
        let sql = "SELECT group_id FROM group_members WHERE peer = ?1 ORDER BY group_id";
        self.all(sql, [peer.to_string()], |cells| cells.group("group_id"))
    }

    /// Keeps an invitation; a newer one to the same group takes its place.
    pub fn put_group_invite(&self, row: &GroupInviteRow) -> Result<(), StoreError> {
        self.run(
            "INSERT OR REPLACE INTO group_invites (group_id, steward, name, members, at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![row.id.as_bytes(), row.steward.to_string(), row.name, saturated(row.members), row.at_ms],
        )?;
        Ok(())
    }

    /// Newest first.
    pub fn group_invites(&self) -> Result<Vec<GroupInviteRow>, StoreError> {
        self.all("SELECT * FROM group_invites ORDER BY at_ms DESC, group_id", [], |cells| {
            Ok(GroupInviteRow {
                id: cells.group("group_id")?,
                steward: cells.parsed("steward")?,
                name: cells.get("name")?,
                members: cells.get("members")?,
                at_ms: cells.get("at_ms")?,
            })
        })
    }

    /// False if there was none.
    pub fn take_group_invite(&self, id: GroupId) -> Result<bool, StoreError> {
        Ok(self.run("DELETE FROM group_invites WHERE group_id = ?1", [id.as_bytes()])? > 0)
    }

    pub fn prune_group_invites(&self, before_ms: i64) -> Result<usize, StoreError> {
        self.run("DELETE FROM group_invited WHERE at_ms < ?1", [before_ms])?;
        self.run("DELETE FROM group_invites WHERE at_ms < ?1", [before_ms])
    }

    /// Notes that we asked `peer` into the group.
    pub fn add_group_invited(&self, id: GroupId, peer: PeerId, now_ms: i64) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO group_invited (group_id, peer, at_ms) VALUES (?1, ?2, ?3)";
        self.run(sql, params![id.as_bytes(), peer.to_string(), now_ms])?;
        Ok(())
    }

    /// Whom we asked in and who has not answered.
    pub fn group_invited(&self, id: GroupId) -> Result<Vec<PeerId>, StoreError> {
        let sql = "SELECT peer FROM group_invited WHERE group_id = ?1 ORDER BY at_ms, peer";
        self.all(sql, [id.as_bytes()], |cells| cells.parsed("peer"))
    }

    /// False if we had not asked `peer`.
    pub fn take_group_invited(&self, id: GroupId, peer: PeerId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM group_invited WHERE group_id = ?1 AND peer = ?2";
        Ok(self.run(sql, params![id.as_bytes(), peer.to_string()])? > 0)
    }

    /// One for a group: an older one is replaced.
    pub fn put_group_ticket(&self, row: &GroupTicketRow) -> Result<(), StoreError> {
        self.run(
            "INSERT OR REPLACE INTO group_tickets (group_id, steward, name, package, at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![row.id.as_bytes(), row.steward.to_string(), row.name, row.package, row.at_ms],
        )?;
        Ok(())
    }

    pub fn group_tickets(&self) -> Result<Vec<GroupTicketRow>, StoreError> {
        self.all("SELECT * FROM group_tickets ORDER BY at_ms, group_id", [], |cells| {
            Ok(GroupTicketRow {
                id: cells.group("group_id")?,
                steward: cells.parsed("steward")?,
                name: cells.get("name")?,
                package: cells.get("package")?,
                at_ms: cells.get("at_ms")?,
            })
        })
    }

    pub fn drop_group_ticket(&self, id: GroupId) -> Result<(), StoreError> {
        self.run("DELETE FROM group_tickets WHERE group_id = ?1", [id.as_bytes()])?;
        Ok(())
    }
}

fn group(cells: &Cells<'_, '_>) -> Result<GroupRow, StoreError> {
    Ok(GroupRow {
        id: cells.group("id")?,
        name: cells.get("name")?,
        ended: cells.get("ended")?,
        clock: cells.get("clock")?,
        floor: cells.get("floor")?,
        renewed_ms: cells.get("renewed_ms")?,
    })
}
