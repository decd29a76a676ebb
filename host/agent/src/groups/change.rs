//! The owner's changes of a group.

use coworker_channel::{Committed, Group, GroupError, GroupName, GroupNews, MAX_MEMBERS};
use coworker_policy::{ErrorCode, GroupId, PeerId, RequestId};
use coworker_store::GroupRow;

use super::transaction::{GroupTransaction, refused};
use crate::base::error::OpError;
use crate::base::time::DAY_MS;
use crate::state::{GroupTools, StateError, audit};

/// Pause between renewals of our keys in a group, in milliseconds.
const RENEW_EVERY_MS: i64 = 21 * DAY_MS;

impl GroupTransaction<'_, '_> {
    /// Makes a group that has us as its only member.
    pub(crate) fn create(&mut self, name: GroupName) -> Result<Result<GroupId, OpError>, StateError> {
        if let Err(full) = self.room()? {
            return Ok(Err(full));
        }
        let called = name.to_string();
        let group = match self.tx.step(|tools| Group::create(tools, name))? {
            Ok(group) => group,
            Err(error) => return Ok(Err(refused(&error))),
        };
        let (id, now) = (group.id(), self.tx.now);
        self.tx.keep_group(group);
        self.tx.store.put_group(&GroupRow {
            id,
            name: called,
            ended: false,
            clock: 0,
            floor: 0,
            renewed_ms: now,
        })?;
        self.tx.store.set_group_members(id, &[self.us])?;
        audit::group(self.tx, "group_created", id, None)?;
        Ok(Ok(id))
    }

    /// Invites `peer`, which becomes a member once its owner agrees.
    pub(crate) fn invite(&mut self, id: GroupId, peer: PeerId) -> Result<Result<(), OpError>, StateError> {
        let (steward, name) = self.look(id, |group| (group.is_steward(), group.roster().name().clone()))?;
        let members = self.members(id)?;
        if !steward {
            return Ok(Err(refused(&coworker_channel::GroupRefusal::NotSteward.into())));
        }
        if members.contains(&peer) {
            return Ok(Err(OpError::new(ErrorCode::Usage, "this peer is in the group already")));
        }
        let waiting = self.tx.store.group_invited(id)?;
        if !waiting.contains(&peer) && members.len() + waiting.len() >= MAX_MEMBERS {
            return Ok(Err(refused(&coworker_channel::GroupRefusal::Full.into())));
        }
        self.tx.store.add_group_invited(id, peer, self.tx.now)?;
        audit::group(self.tx, "group_invited", id, Some(peer))?;
        self.tell(peer, RequestId::random(), id, GroupNews::Invite { name, members }).map(Ok)
    }

    pub(crate) fn remove(&mut self, id: GroupId, peer: PeerId) -> Result<Result<(), OpError>, StateError> {
        let invited = self.tx.store.take_group_invited(id, peer)?;
        let member = self.look(id, |group| group.is_member(peer))?;
        if invited && !member {
            audit::group(self.tx, "group_invite_withdrawn", id, Some(peer))?;
            return self.tell(peer, RequestId::random(), id, GroupNews::Leave).map(Ok);
        }
        let done = self.change(id, |group, tools| group.remove(tools, &[peer]))?;
        if done.is_ok() {
            audit::group(self.tx, "group_removed", id, Some(peer))?;
        }
        Ok(done)
    }

    /// Makes `peer` the steward. Open invitations end, and the invited peers are told so: they need a new one from
    /// the new steward.
    pub(crate) fn transfer(&mut self, id: GroupId, peer: PeerId) -> Result<Result<(), OpError>, StateError> {
        let done = self.change(id, |group, tools| group.transfer(tools, peer))?;
        if done.is_ok() {
            for invited in self.tx.store.group_invited(id)? {
                self.tx.store.take_group_invited(id, invited)?;
                self.tell(invited, RequestId::random(), id, GroupNews::Leave)?;
            }
            audit::group(self.tx, "group_transferred", id, Some(peer))?;
        }
        Ok(done)
    }

    /// Names the members that may take over when we are gone, in order.
    pub(crate) fn set_deputies(
        &mut self,
        id: GroupId,
        deputies: Vec<PeerId>,
    ) -> Result<Result<(), OpError>, StateError> {
        let done = self.change(id, |group, tools| group.set_deputies(tools, deputies))?;
        if done.is_ok() {
            audit::group(self.tx, "group_deputies_set", id, None)?;
        }
        Ok(done)
    }

    /// Makes us the steward, as a deputy, without the steward's consent.
    pub(crate) fn take_over(&mut self, id: GroupId) -> Result<Result<(), OpError>, StateError> {
        let done = self.change(id, take_over)?;
        if done.is_ok() {
            audit::group(self.tx, "group_taken_over", id, Some(self.us))?;
        }
        Ok(done)
    }

    fn change(
        &mut self,
        id: GroupId,
        change: impl FnOnce(&mut Group, &GroupTools<'_>) -> Result<Committed, GroupError>,
    ) -> Result<Result<(), OpError>, StateError> {
        match self.tx.in_group(id, change)? {
            Ok(done) => self.spread(id, done).map(Ok),
            Err(error) => Ok(Err(refused(&error))),
        }
    }

    /// Forgets the group, its keys and its messages. The steward removes us when it learns of it; a steward must hand
    /// over first, unless it is alone.
    pub(crate) fn leave(&mut self, id: GroupId) -> Result<Result<(), OpError>, StateError> {
        if self.row(id)?.is_some() {
            let (steward, us) = (self.steward(id)?, self.us);
            let alone = self.members(id)?.len() == 1;
            if steward == us && !alone {
                return Ok(Err(refused(&coworker_channel::GroupRefusal::Steward.into())));
            }
            if steward != us {
                self.tell(steward, RequestId::random(), id, GroupNews::Leave)?;
            }
        }
        self.withdraw_ticket(id)?;
        self.tx.drop_group(id)?;
        self.tx.store.forget_group(id)?;
        audit::group(self.tx, "group_left_by_us", id, None)?;
        Ok(Ok(()))
    }

    /// Declines an invitation, also one that was accepted and came to nothing.
    pub(crate) fn decline(&mut self, id: GroupId, steward: PeerId) -> Result<(), StateError> {
        self.withdraw_ticket(id)?;
        self.tx.store.take_group_invite(id)?;
        self.tell(steward, RequestId::random(), id, GroupNews::Leave)
    }

    /// Rotates our keys if they are old.
    pub(super) fn renew(&mut self, row: &GroupRow) -> Result<(), StateError> {
        let id = row.id;
        let first = self.look(id, Group::needs_update)?;
        if first || self.tx.now - row.renewed_ms >= RENEW_EVERY_MS {
            self.renew_keys(row)?;
        }
        Ok(())
    }

    /// Rotates our keys, now or as soon as the steward is there.
    pub(super) fn renew_keys(&mut self, row: &GroupRow) -> Result<(), StateError> {
        let id = row.id;
        if self.look(id, Group::is_steward)? {
            self.change(id, update)?.ok();
        } else {
            let to = self.steward(id)?;
            if let Ok(commit) = self.tx.in_group(id, propose_update)? {
                self.tell(to, RequestId::random(), id, GroupNews::Update { commit })?;
            }
        }
        Ok(self.tx.store.put_group(&GroupRow { renewed_ms: self.tx.now, ..row.clone() })?)
    }
}

// Closures instead of the methods themselves, which are tied to one lifetime of the tools.
fn update(group: &mut Group, tools: &GroupTools<'_>) -> Result<Committed, GroupError> {
    group.update(tools)
}

fn take_over(group: &mut Group, tools: &GroupTools<'_>) -> Result<Committed, GroupError> {
    group.take_over(tools)
}

fn propose_update(group: &mut Group, tools: &GroupTools<'_>) -> Result<Vec<u8>, GroupError> {
    group.propose_update(tools)
}
