//! Joining a group and leaving it.

use coworker_channel::{Group, GroupError, GroupName, GroupNews, GroupRefusal, LogEntry, Ticket};
use coworker_policy::{Digest, GroupId, PeerId, RequestId};
use coworker_store::{GroupInviteRow, GroupRow, GroupTicketRow};

use super::receive::dropped;
use super::transaction::{GroupTransaction, MAX_GROUPS};
use crate::base::error::OpError;
use crate::state::StateError;
use crate::state::audit;

/// Invitations that wait for the owner, in all and from one peer.
const MAX_INVITES: usize = 64;
const MAX_INVITES_OF_ONE: usize = 8;
/// Pause before a member that lost its way asks again to be let in.
const REJOIN_EVERY_MS: i64 = 30_000;

impl GroupTransaction<'_, '_> {
    /// Keeps an invitation for the owner. The message gate let it through, so the peer is at least KNOWN.
    pub(super) fn invited(
        &mut self,
        from: PeerId,
        group: GroupId,
        name: &GroupName,
        members: usize,
    ) -> Result<(), StateError> {
        if self.row(group)?.is_some() {
            return Ok(());
        }
        let waiting = self.tx.store.group_invites()?;
        let of_peer = waiting.iter().filter(|row| row.steward == from);
        // The id is a secret of the group. A peer that guessed one must not replace another's invitation.
        let taken = waiting.iter().any(|row| row.id == group && row.steward != from);
        let known = waiting.iter().any(|row| row.id == group);
        let full = waiting.len() >= MAX_INVITES || of_peer.count() >= MAX_INVITES_OF_ONE;
        if taken || (full && !known) {
            tracing::info!(peer = %from, "too many invitations wait; one more is dropped");
            return Ok(());
        }
        // A repeated invitation has no news, and only this check bounds how often it is written down.
        if !known && self.tx.may_note(from) {
            audit::group(self.tx, "group_invited_us", group, Some(from))?;
        }
        Ok(self.tx.store.put_group_invite(&GroupInviteRow {
            id: group,
            steward: from,
            name: name.to_string(),
            members: members as u64,
            at_ms: self.tx.now,
        })?)
    }

    /// Accepts for the owner: the steward gets a key package, and its welcome will follow.
    pub(crate) fn accept(&mut self, invite: &GroupInviteRow) -> Result<Result<(), OpError>, StateError> {
        let group = invite.id;
        if let Err(full) = self.room()? {
            return Ok(Err(full));
        }
        let made = self.tx.step(|tools| Group::key_package(tools, group, invite.steward))?;
        let package = match made {
            Ok((package, _)) => package,
            Err(error) => return Ok(Err(super::transaction::refused(&error))),
        };
        self.tx.store.take_group_invite(invite.id)?;
        self.ask_in(group, invite.steward, &invite.name, package).map(Ok)
    }

    /// Checks that the agent may have one more group.
    pub(super) fn room(&mut self) -> Result<Result<(), OpError>, StateError> {
        let all = self.tx.store.groups()?.len() + self.tx.store.group_tickets()?.len();
        Ok(if all < MAX_GROUPS {
            Ok(())
        } else {
            let message = format!("an agent is in at most {MAX_GROUPS} groups");
            Err(OpError::new(coworker_policy::ErrorCode::LimitExceeded, message)
                .suggest("leave one", ["group", "leave", "GROUP"]))
        })
    }

    fn ask_in(
        &mut self,
        group: GroupId,
        steward: PeerId,
        name: &str,
        package: Vec<u8>,
    ) -> Result<(), StateError> {
        self.withdraw_ticket(group)?;
        self.tx.store.put_group_ticket(&GroupTicketRow {
            id: group,
            steward,
            name: name.to_owned(),
            package: package.clone(),
            at_ms: self.tx.now,
        })?;
        self.tell(steward, RequestId::random(), group, GroupNews::Join { key_package: package })
    }

    pub(super) fn ticket(&self, group: GroupId) -> Result<Option<GroupTicketRow>, StateError> {
        let tickets = self.tx.store.group_tickets()?;
        Ok(tickets.into_iter().find(|row| row.id == group))
    }

    /// Withdraws a key package that no welcome will use.
    pub(super) fn withdraw_ticket(&mut self, group: GroupId) -> Result<(), StateError> {
        if let Some(ticket) = self.ticket(group)? {
            self.tx.store.drop_group_ticket(ticket.id)?;
            if let Err(error) = self.tx.step(|tools| Group::withdraw(tools.storage, &ticket.package))? {
                tracing::warn!(%error, "a key package could not be withdrawn");
            }
        }
        Ok(())
    }

    /// Rejoins a group that went on without us, or in another way than we did.
    pub(super) fn rejoin(&mut self, group: GroupId, steward: PeerId) -> Result<(), StateError> {
        let now = self.tx.now;
        let lately = |row: &GroupTicketRow| row.steward == steward && now - row.at_ms < REJOIN_EVERY_MS;
        if steward == self.us || self.ticket(group)?.is_some_and(|row| lately(&row)) {
            return Ok(());
        }
        match self.tx.in_group(group, |group, tools| group.rejoin(tools, steward))? {
            Ok((package, _)) => {
                let name = self.row(group)?.map(|row| row.name).unwrap_or_default();
                self.ask_in(group, steward, &name, package)
            }
            Err(error @ GroupError::Refused(GroupRefusal::UnknownSteward(_))) => {
                tracing::warn!(%error, ?group, "a group is lost: leave it, and ask for a new invite");
                Ok(())
            }
            Err(error) => dropped(steward, &error),
        }
    }

    /// Joins the group, if we asked the same steward for it.
    pub(super) fn welcomed(
        &mut self,
        from: PeerId,
        id: GroupId,
        entry: &LogEntry,
        welcome: &[u8],
    ) -> Result<(), StateError> {
        let Some(row) = self.ticket(id)?.filter(|row| row.steward == from) else { return Ok(()) };
        let ticket = Ticket { group: id, steward: from, key_package: Digest::of(&row.package) };
        let joined = self.tx.step(|tools| Group::join(tools, &ticket, entry, welcome))?;
        let group = match joined {
            Ok(group) => group,
            Err(error) => return dropped(from, &error),
        };
        let name = group.roster().name().to_string();
        self.tx.keep_group(group);
        self.tx.store.drop_group_ticket(row.id)?;
        let renewed_ms = self.tx.now;
        self.tx.store.put_group(&GroupRow {
            id: row.id,
            name,
            ended: false,
            clock: 0,
            floor: 0,
            renewed_ms,
        })?;
        audit::group(self.tx, "group_joined_by_us", id, Some(from))?;
        self.moved_on(id)
    }

    /// Ends an invitation because its sender is no longer the steward, or its owner took it back.
    pub(super) fn uninvited(&mut self, from: PeerId, id: GroupId) -> Result<(), StateError> {
        let waiting = self.tx.store.group_invites()?;
        let waits = waiting.iter().any(|row| row.id == id && row.steward == from);
        let accepted = self.ticket(id)?.is_some_and(|row| row.steward == from);
        if waits {
            self.tx.store.take_group_invite(id)?;
        }
        if accepted {
            self.withdraw_ticket(id)?;
        }
        if waits || accepted {
            audit::group(self.tx, "group_uninvited_us", id, Some(from))?;
        }
        Ok(())
    }

    /// Ends a group that removed us. Its messages stay for the owner to read.
    pub(super) fn end(&mut self, id: GroupId) -> Result<(), StateError> {
        self.tx.drop_group(id)?;
        self.tx.store.close_group(id)?;
        if let Some(row) = self.row(id)? {
            self.tx.store.put_group(&GroupRow { ended: true, ..row })?;
        }
        Ok(())
    }
}
