//! Messages that we could not read, and messages that we must send again.

use coworker_policy::{GroupId, PeerId, RequestId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::saturated;
use crate::store::Tx;

/// Our message that one member could not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    pub peer: PeerId,
    pub id: RequestId,
    /// Epoch in which the message was last sealed for that member.
    pub epoch: u64,
    /// How many times it was sealed in that epoch.
    pub times: u64,
    /// True while the message must still be sent.
    pub due: bool,
}

impl Tx<'_> {
    /// Notes a message that we could not read, unless the group has `most` such messages already.
    pub fn add_group_missed(
        &self,
        group: GroupId,
        via: PeerId,
        id: RequestId,
        most: usize,
    ) -> Result<(), StoreError> {
        let count = "SELECT count(*) AS count FROM group_missed WHERE group_id = ?1";
        if self.count(count, [group.as_bytes()])? < most {
            let sql = "INSERT OR IGNORE INTO group_missed (group_id, via, id, asked) VALUES (?1, ?2, ?3, 0)";
            self.run(sql, params![group.as_bytes(), via.to_string(), id.to_string()])?;
        }
        Ok(())
    }

    pub fn drop_group_missed(&self, group: GroupId, via: PeerId, id: RequestId) -> Result<(), StoreError> {
        let sql = "DELETE FROM group_missed WHERE group_id = ?1 AND via = ?2 AND id = ?3";
        self.run(sql, params![group.as_bytes(), via.to_string(), id.to_string()])?;
        Ok(())
    }

    /// Counts one more request for every missed message, forgets those requested more than `most` times, and returns
    /// the rest.
    pub fn ask_group_missed(
        &self,
        group: GroupId,
        most: u64,
    ) -> Result<Vec<(PeerId, RequestId)>, StoreError> {
        self.run("UPDATE group_missed SET asked = asked + 1 WHERE group_id = ?1", [group.as_bytes()])?;
        let old = "DELETE FROM group_missed WHERE group_id = ?1 AND asked > ?2";
        self.run(old, params![group.as_bytes(), saturated(most)])?;
        self.all("SELECT via, id FROM group_missed WHERE group_id = ?1", [group.as_bytes()], |cells| {
            Ok((cells.parsed("via")?, cells.parsed("id")?))
        })
    }

    pub fn put_group_owed(&self, group: GroupId, owed: &Owed) -> Result<(), StoreError> {
        self.run(
            "INSERT OR REPLACE INTO group_owed (group_id, peer, id, epoch, times, due)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                group.as_bytes(),
                owed.peer.to_string(),
                owed.id.to_string(),
                saturated(owed.epoch),
                saturated(owed.times),
                owed.due
            ],
        )?;
        Ok(())
    }

    pub fn group_owed(
        &self,
        group: GroupId,
        peer: PeerId,
        id: RequestId,
    ) -> Result<Option<Owed>, StoreError> {
        let sql = "SELECT * FROM group_owed WHERE group_id = ?1 AND peer = ?2 AND id = ?3";
        self.one(sql, params![group.as_bytes(), peer.to_string(), id.to_string()], |cells| {
            Ok(Owed {
                peer: cells.parsed("peer")?,
                id: cells.parsed("id")?,
                epoch: cells.get("epoch")?,
                times: cells.get("times")?,
                due: cells.get("due")?,
            })
        })
    }

    /// Returns at most `most` messages that must be sent to `peer`, in their order.
    pub fn due_to_member(
        &self,
        group: GroupId,
        peer: PeerId,
        most: usize,
    ) -> Result<Vec<RequestId>, StoreError> {
        self.all(
            "SELECT o.id AS id FROM group_owed o JOIN group_messages m
                 ON m.group_id = o.group_id AND m.id = o.id
             WHERE o.group_id = ?1 AND o.peer = ?2 AND o.due = 1 ORDER BY m.seq LIMIT ?3",
            params![group.as_bytes(), peer.to_string(), saturated(most)],
            |cells| cells.parsed("id"),
        )
    }

    /// Deletes rows of pruned messages, and of peers that are no longer members.
    pub fn prune_group_owed(&self, group: GroupId) -> Result<(), StoreError> {
        self.run(
            "DELETE FROM group_owed WHERE group_id = ?1
                 AND (peer NOT IN (SELECT peer FROM group_members WHERE group_id = ?1)
                      OR id NOT IN (SELECT id FROM group_messages WHERE group_id = ?1))",
            [group.as_bytes()],
        )?;
        Ok(())
    }
}
