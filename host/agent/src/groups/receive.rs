//! Messages of peers about groups. No message makes this agent fail: one that makes no sense is dropped.

use std::collections::BTreeSet;

use coworker_channel::{
    Applied, GroupError, GroupFault, GroupNews, GroupPosition, Joiner, Logged, Message, SyncState,
};
use coworker_policy::{GroupId, PeerId, RequestId};

use super::transaction::GroupTransaction;
use crate::base::core::Core;
use crate::state::{StateError, Transaction, audit};
use coworker_store::GroupRow;

/// Pause between commits that one member may cause, in milliseconds.
const COMMIT_EVERY_MS: i64 = 5_000;

/// Takes a message of `from` about a group. Returns the peers that mail was left for and that are not connected.
pub(crate) fn receive(
    us: PeerId,
    tx: &mut Transaction<'_>,
    from: PeerId,
    id: RequestId,
    group: GroupId,
    news: GroupNews,
) -> Result<BTreeSet<PeerId>, StateError> {
    let mut groups = GroupTransaction::new(tx, us);
    match news {
        GroupNews::Invite { name, members } => groups.invited(from, group, &name, members.len())?,
        GroupNews::Welcome { entry, welcome } => groups.welcomed(from, group, &entry, &welcome)?,
        GroupNews::Leave if groups.row(group)?.is_none() => groups.uninvited(from, group)?,
        // An invited peer that does not know the group yet has nothing to say about its members.
        news => {
            if let Some(row) = groups.row(group)? {
                groups.hear(from, id, group, &row, news)?;
                if groups.row(group)?.is_some() {
                    groups.settle(group, from)?;
                }
            }
        }
    }
    Ok(groups.away())
}

/// Tells a peer that just connected where we stand in the groups that we share. A member that was away learns from it
/// which messages it missed.
pub(crate) fn greet(core: &Core, tx: &mut Transaction<'_>, peer: PeerId) -> Result<(), StateError> {
    let shared = tx.store.groups_with(peer)?;
    if shared.is_empty() {
        return Ok(());
    }
    let mut groups = GroupTransaction::new(tx, core.us);
    for key in shared {
        groups.say_position(peer, key)?;
    }
    // Members may never have met: here they tell each other their names.
    if groups.tx.store.peer(peer)?.is_some_and(|row| row.name.is_none()) {
        let hello =
            Message::Discover { id: RequestId::random(), name: Some(core.config.name.clone()), known: None };
        groups.tx.post_ephemeral(peer, vec![hello.encode()])?;
    }
    Ok(())
}

impl GroupTransaction<'_, '_> {
    fn hear(
        &mut self,
        from: PeerId,
        id: RequestId,
        group: GroupId,
        row: &GroupRow,
        news: GroupNews,
    ) -> Result<(), StateError> {
        match news {
            GroupNews::Invite { .. } | GroupNews::Welcome { .. } => Ok(()),
            GroupNews::Join { key_package } => self.asked_in(from, group, &key_package),
            GroupNews::Commit(logged) => self.commit_came(from, id, group, &logged),
            GroupNews::Update { commit } => self.update_came(from, group, &commit),
            GroupNews::Sealed { sealed } => self.sealed_came(from, id, group, row, &sealed),
            GroupNews::Unread => self.unread(from, id, group),
            GroupNews::Position(theirs) => self.position_came(from, group, &theirs),
            GroupNews::History { from: epoch } => self.tell_history(from, id, group, epoch),
            GroupNews::Leave => self.leaves(from, group),
        }
    }

    /// Admits a peer that accepted our invitation, or a member that lost its way. Nobody else is admitted.
    fn asked_in(&mut self, from: PeerId, group: GroupId, key_package: &[u8]) -> Result<(), StateError> {
        if !self.look(group, coworker_channel::Group::is_steward)? {
            return self.is_not_ours_to_admit(from, group);
        }
        let invited = self.tx.store.take_group_invited(group, from)?;
        let member = self.look(group, |group| group.is_member(from))?;
        // A member that comes back time and again would make everybody commit each time.
        let may = invited || (member && self.may_commit(group, from));
        if !may && !member {
            return self.is_not_ours_to_admit(from, group);
        }
        if !may {
            return Ok(());
        }
        let joiner = [Joiner { peer: from, key_package }];
        match self.tx.in_group(group, |group, tools| group.admit(tools, &joiner))? {
            Ok(done) => {
                audit::group(self.tx, "group_joined", group, Some(from))?;
                self.spread(group, done)
            }
            Err(error) => dropped(from, &error),
        }
    }

    /// Tells a peer that its invitation is no longer valid. A peer that was never invited learns only that: it named
    /// the group's id.
    fn is_not_ours_to_admit(&mut self, from: PeerId, group: GroupId) -> Result<(), StateError> {
        if self.look(group, |group| group.is_member(from))? {
            return Ok(());
        }
        self.tell(from, RequestId::random(), group, GroupNews::Leave)
    }

    /// True once in a while for each member.
    fn may_commit(&mut self, group: GroupId, from: PeerId) -> bool {
        let now = self.tx.now;
        let admitted = &mut self.tx.group_cache().admitted;
        admitted.retain(|_, at| now - *at < COMMIT_EVERY_MS);
        let free = !admitted.contains_key(&(group, from));
        admitted.entry((group, from)).or_insert(now);
        free
    }

    fn update_came(&mut self, from: PeerId, group: GroupId, commit: &[u8]) -> Result<(), StateError> {
        let ours = self.look(group, |group| group.is_steward() && group.is_member(from))?;
        if !ours || !self.may_commit(group, from) {
            return Ok(());
        }
        match self.tx.in_group(group, |group, tools| group.accept(tools, from, commit))? {
            Ok(Some(done)) => self.spread(group, done),
            // The group has moved on: the member tries again another time.
            Ok(None) => Ok(()),
            Err(error) => dropped(from, &error),
        }
    }

    fn commit_came(
        &mut self,
        from: PeerId,
        id: RequestId,
        group: GroupId,
        logged: &Logged,
    ) -> Result<(), StateError> {
        match self.tx.in_group(group, |group, tools| group.apply(tools, logged))? {
            Ok(Applied::Advanced { opened, .. }) => {
                for opened in opened {
                    match opened {
                        Ok(opened) => self.keep(group, opened)?,
                        Err(error) => dropped(from, &error)?,
                    }
                }
                self.moved_on(group)
            }
            Ok(Applied::Removed) => {
                audit::group(self.tx, "group_removed_us", group, Some(logged.entry.author()))?;
                self.end(group)
            }
            Ok(Applied::Behind) => self.fell_behind(from, id, group),
            Ok(Applied::Superseded) => self.say_position(from, group),
            Ok(Applied::Known) => Ok(()),
            Err(GroupError::Fault(GroupFault::Forked { steward, .. })) => self.rejoin(group, steward),
            Err(error @ GroupError::Fault(GroupFault::Equivocation(_))) => {
                // Anybody may bring the two entries, as often as they like.
                if self.tx.may_note(from) {
                    tracing::error!(%error, ?group, "a steward lied");
                    audit::group(self.tx, "group_steward_lied", group, Some(logged.entry.author()))?;
                }
                Ok(())
            }
            Err(error) => dropped(from, &error),
        }
    }

    /// Asks for the commits before this one, which are missing. A peer that is not a member for us may be one by now,
    /// or have been one: it does not learn where we stand, and cannot make us ask to be let in again. Our steward
    /// knows.
    fn fell_behind(&mut self, from: PeerId, id: RequestId, group: GroupId) -> Result<(), StateError> {
        if self.look(group, |group| group.is_member(from))? {
            return self.ask_history(from, Some(id), group);
        }
        let steward = self.steward(group)?;
        if steward == self.us { Ok(()) } else { self.ask_history(steward, None, group) }
    }

    fn position_came(
        &mut self,
        from: PeerId,
        group: GroupId,
        theirs: &GroupPosition,
    ) -> Result<(), StateError> {
        if theirs.group != group || !self.look(group, |group| group.is_member(from))? {
            // It may have joined while we were away: our steward knows.
            let steward = self.steward(group)?;
            let behind = self.look(group, |group| theirs.epoch > group.epoch())?;
            return if behind && steward != self.us {
                self.ask_history(steward, None, group)
            } else {
                Ok(())
            };
        }
        let state = self.tx.in_group(group, |group, tools| group.compare_position(tools, from, theirs))?;
        match state {
            Ok(SyncState::InSync) => Ok(()),
            Ok(SyncState::Behind { .. }) => self.ask_history(from, None, group),
            Ok(SyncState::Ahead { .. } | SyncState::TheyRejoin) => self.say_position(from, group),
            Ok(SyncState::WeRejoin) => self.rejoin(group, theirs.steward),
            Ok(SyncState::Contradiction { from: epoch }) => {
                self.tell_history(from, RequestId::random(), group, epoch)
            }
            Err(error) => dropped(from, &error),
        }
    }

    /// Sends our position to a member, now or not at all: the next connection brings another one.
    pub(super) fn say_position(&mut self, peer: PeerId, group: GroupId) -> Result<(), StateError> {
        if !self.look(group, |group| group.is_member(peer))? {
            return Ok(());
        }
        let position = self.look(group, coworker_channel::Group::position)?;
        let news = Box::new(GroupNews::Position(position));
        let message = Message::Group { id: RequestId::random(), group, news };
        self.tx.post_ephemeral(peer, vec![message.encode()])?;
        Ok(())
    }

    /// Asks each member once for the log from our epoch on. A member whose answer leaves us behind has no more of it,
    /// so we ask to be let in again.
    fn ask_history(
        &mut self,
        peer: PeerId,
        answers: Option<RequestId>,
        group: GroupId,
    ) -> Result<(), StateError> {
        let epoch = self.look(group, coworker_channel::Group::epoch)?;
        let asked = self.tx.group_cache().asked.entry(group).or_default();
        if asked.0 != epoch {
            *asked = (epoch, std::collections::HashMap::new());
        }
        if let Some(before) = asked.1.get(&peer) {
            let in_vain = answers == Some(*before);
            let steward = self.steward(group)?;
            return if in_vain && steward != self.us { self.rejoin(group, steward) } else { Ok(()) };
        }
        let id = RequestId::random();
        asked.1.insert(peer, id);
        self.tell(peer, id, group, GroupNews::History { from: epoch })
    }

    /// Sends the log to a member. The commits tell the members of the group, so nobody else may have them.
    fn tell_history(
        &mut self,
        peer: PeerId,
        id: RequestId,
        group: GroupId,
        epoch: u64,
    ) -> Result<(), StateError> {
        if !self.look(group, |group| group.is_member(peer))? || self.is_being_told(peer, group)? {
            return Ok(());
        }
        self.tx.group_cache().told.insert((group, peer), id);
        let history = self.tx.in_group(group, |group, tools| {
            let history = group.history(tools, epoch)?;
            // The entries were pruned. The last one tells so, because it does not follow the entry that the member
            // has.
            let last = group.history(tools, group.epoch().saturating_sub(1))?;
            Ok(if history.is_empty() && epoch < group.epoch() { last } else { history })
        })?;
        for logged in history.unwrap_or_default() {
            self.tell(peer, id, group, GroupNews::Commit(logged))?;
        }
        self.say_position(peer, group)
    }

    /// True if the earlier answer is still on its way: a question is small, and a log is not.
    fn is_being_told(&mut self, peer: PeerId, group: GroupId) -> Result<bool, StateError> {
        let last = self.tx.group_cache().told.get(&(group, peer)).copied();
        Ok(match last {
            Some(id) => self.tx.store.is_queued(peer, id)?,
            None => false,
        })
    }

    /// Removes a member at its own wish, or drops an invitation that was declined.
    fn leaves(&mut self, from: PeerId, group: GroupId) -> Result<(), StateError> {
        self.tx.store.take_group_invited(group, from)?;
        if !self.look(group, |group| group.is_steward() && group.is_member(from))? {
            return Ok(());
        }
        match self.tx.in_group(group, |group, tools| group.remove(tools, &[from]))? {
            Ok(done) => {
                audit::group(self.tx, "group_left", group, Some(from))?;
                self.spread(group, done)
            }
            Err(error) => dropped(from, &error),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the end of a chain of steps that can fail")]
pub(super) fn dropped(from: PeerId, error: &GroupError) -> Result<(), StateError> {
    tracing::info!(peer = %from, %error, "dropped a message about a group");
    Ok(())
}
