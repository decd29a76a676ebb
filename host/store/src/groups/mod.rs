//! Groups: members, messages, the log of commits, invitations and messages that must be sent again.

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

/// A group of which we are or were a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    pub id: GroupId,
    pub name: String,
    /// True if we were removed.
    pub ended: bool,
    /// Highest number of any message in the group.
    pub clock: u64,
    /// Messages up to this number were pruned.
    pub floor: u64,
    /// When we last rotated our keys in the group, or joined it.
    pub renewed_ms: i64,
}

/// An invitation that the owner has not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInviteRow {
    pub id: GroupId,
    pub steward: PeerId,
    pub name: String,
    /// Number of members, as the steward reported it.
    pub members: u64,
    pub at_ms: i64,
}

/// Our key package that a steward has, while its welcome is outstanding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTicketRow {
    pub id: GroupId,
    pub steward: PeerId,
    pub name: String,
    pub package: Vec<u8>,
    pub at_ms: i64,
}

impl Tx<'_> {
    /// Adds or updates a group. An update never lowers `clock` or `floor`.
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

    /// Returns all groups in the order of their names.
    pub fn groups(&self) -> Result<Vec<GroupRow>, StoreError> {
        self.all("SELECT * FROM groups ORDER BY name COLLATE NOCASE, id", [], group)
    }

    /// Deletes everything about a group except for its MLS state, which the caller deletes.
    pub fn forget_group(&self, id: GroupId) -> Result<(), StoreError> {
        self.run("DELETE FROM groups WHERE id = ?1", [id.as_bytes()])?;
        self.run("DELETE FROM group_messages WHERE group_id = ?1", [id.as_bytes()])?;
        self.close_group(id)
    }

    /// Deletes all that is needed to continue a group. Its messages stay.
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

    /// Returns the groups of which `peer` is a member.
    pub fn groups_with(&self, peer: PeerId) -> Result<Vec<GroupId>, StoreError> {
        let sql = "SELECT group_id FROM group_members WHERE peer = ?1 ORDER BY group_id";
        self.all(sql, [peer.to_string()], |cells| cells.group("group_id"))
    }

    /// Stores an invitation, replacing an earlier one to the same group.
    pub fn put_group_invite(&self, row: &GroupInviteRow) -> Result<(), StoreError> {
        self.run(
            "INSERT OR REPLACE INTO group_invites (group_id, steward, name, members, at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![row.id.as_bytes(), row.steward.to_string(), row.name, saturated(row.members), row.at_ms],
        )?;
        Ok(())
    }

    /// Returns all invitations, newest first.
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

    /// Deletes an invitation. Returns false if there was none.
    pub fn take_group_invite(&self, id: GroupId) -> Result<bool, StoreError> {
        Ok(self.run("DELETE FROM group_invites WHERE group_id = ?1", [id.as_bytes()])? > 0)
    }

    /// Deletes sent and received invitations from before `before_ms`. Returns the number of received ones.
    pub fn prune_group_invites(&self, before_ms: i64) -> Result<usize, StoreError> {
        self.run("DELETE FROM group_invited WHERE at_ms < ?1", [before_ms])?;
        self.run("DELETE FROM group_invites WHERE at_ms < ?1", [before_ms])
    }

    /// Notes that we invited `peer` into the group.
    pub fn add_group_invited(&self, id: GroupId, peer: PeerId, now_ms: i64) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO group_invited (group_id, peer, at_ms) VALUES (?1, ?2, ?3)";
        self.run(sql, params![id.as_bytes(), peer.to_string(), now_ms])?;
        Ok(())
    }

    /// Returns the invited peers that have not answered.
    pub fn group_invited(&self, id: GroupId) -> Result<Vec<PeerId>, StoreError> {
        let sql = "SELECT peer FROM group_invited WHERE group_id = ?1 ORDER BY at_ms, peer";
        self.all(sql, [id.as_bytes()], |cells| cells.parsed("peer"))
    }

    /// Deletes the note of an invitation. Returns false if `peer` was not invited.
    pub fn take_group_invited(&self, id: GroupId, peer: PeerId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM group_invited WHERE group_id = ?1 AND peer = ?2";
        Ok(self.run(sql, params![id.as_bytes(), peer.to_string()])? > 0)
    }

    /// Stores a key package, replacing an earlier one for the same group.
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
