//! Messages in groups.

use coworker_policy::{GroupId, PeerId, RequestId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;

/// A message in a group. Members order messages by `seq`, then author, then `part`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMessageRow {
    /// Order of arrival here, over all groups; 0 before the message is stored.
    pub n: u64,
    pub group: GroupId,
    /// Number that the author chose, higher than all that it had seen in the group.
    pub seq: u64,
    pub author: PeerId,
    /// Position in the batch that was sealed together.
    pub part: u64,
    pub id: RequestId,
    pub text: String,
    /// When the message arrived, or was written if it is ours.
    pub at_ms: i64,
}

impl Tx<'_> {
    /// Stores a message and raises the group's clock to `clock`. Returns false if the message is stored already.
    pub fn add_group_message(&self, row: &GroupMessageRow, clock: u64) -> Result<bool, StoreError> {
        let added = self.run(
            "INSERT OR IGNORE INTO group_messages (group_id, seq, author, part, id, text, at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                row.group.as_bytes(),
                saturated(row.seq),
                row.author.to_string(),
                saturated(row.part),
                row.id.to_string(),
                row.text,
                row.at_ms
            ],
        )?;
        let sql = "UPDATE groups SET clock = max(clock, ?2) WHERE id = ?1";
        self.run(sql, params![row.group.as_bytes(), saturated(clock)])?;
        Ok(added > 0)
    }

    /// Returns the newest `limit` messages that arrived after the message `after`, in the members' order.
    pub fn group_messages(
        &self,
        id: GroupId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<GroupMessageRow>, StoreError> {
        let mut rows = self.all(
            "SELECT * FROM group_messages WHERE group_id = ?1 AND n > ?2
             ORDER BY seq DESC, author DESC, part DESC LIMIT ?3",
            params![id.as_bytes(), saturated(after), saturated(limit)],
            message,
        )?;
        rows.reverse();
        Ok(rows)
    }

    /// Returns the author's message with this id.
    pub fn group_message(
        &self,
        group: GroupId,
        author: PeerId,
        id: RequestId,
    ) -> Result<Option<GroupMessageRow>, StoreError> {
        let sql = "SELECT * FROM group_messages WHERE group_id = ?1 AND id = ?3 AND author = ?2";
        self.one(sql, params![group.as_bytes(), author.to_string(), id.to_string()], message)
    }

    /// Returns the number of the author's messages since `since_ms`.
    pub fn group_messages_of(
        &self,
        group: GroupId,
        author: PeerId,
        since_ms: i64,
    ) -> Result<usize, StoreError> {
        let sql = "SELECT count(*) AS count FROM group_messages
                   WHERE group_id = ?1 AND author = ?2 AND at_ms >= ?3";
        self.count(sql, params![group.as_bytes(), author.to_string(), since_ms])
    }

    /// Deletes the oldest messages beyond `keep`, in the members' order, and raises the group's floor: messages at or
    /// below it are no longer accepted.
    pub fn prune_group_messages(&self, id: GroupId, keep: usize) -> Result<(), StoreError> {
        let count = "SELECT count(*) AS count FROM group_messages WHERE group_id = ?1";
        let over = self.count(count, [id.as_bytes()])?.saturating_sub(keep);
        if over == 0 {
            return Ok(());
        }
        let last = "SELECT seq FROM group_messages WHERE group_id = ?1
                    ORDER BY seq, author, part LIMIT 1 OFFSET ?2";
        let last: Option<i64> =
            self.one(last, params![id.as_bytes(), saturated(over - 1)], |cells| cells.get("seq"))?;
        let Some(floor) = last else { return Ok(()) };
        self.run(
            "DELETE FROM group_messages WHERE group_id = ?1 AND seq <= ?2",
            params![id.as_bytes(), floor],
        )?;
        self.run("UPDATE groups SET floor = max(floor, ?2) WHERE id = ?1", params![id.as_bytes(), floor])?;
        Ok(())
    }
}

fn message(cells: &Cells<'_, '_>) -> Result<GroupMessageRow, StoreError> {
    Ok(GroupMessageRow {
        n: cells.get("n")?,
        group: cells.group("group_id")?,
        seq: cells.get("seq")?,
        author: cells.parsed("author")?,
        part: cells.get("part")?,
        id: cells.parsed("id")?,
        text: cells.get("text")?,
        at_ms: cells.get("at_ms")?,
    })
}
