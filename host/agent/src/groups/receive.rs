//! What peers tell us about groups. Whatever they say, nothing here fails because of it: what makes no sense
//! is dropped.

use std::collections::BTreeSet;

use coworker_channel::{
    Applied, GroupError, GroupFault, GroupNews, GroupPosition, Joiner, Logged, Message, SyncState,
};
use coworker_policy::{GroupId, PeerId, RequestId};

use super::{GroupRow, GroupTransaction};
use crate::agent::Agent;
use crate::state::audit;
use crate::state::{StateError, Transaction};

/// How often one member may make us, the steward, commit.
const COMMIT_EVERY_MS: i64 = 5_000;

/// Takes what `from` says about a group; returns whom mail was left for that is not connected.
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
        // Who is asked in and does not know the group yet has nothing to say about others'.
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

/// Tells a peer that is just connected where we stand in the groups that we share. Who was away learns
/// from it what it missed.
pub(crate) fn greet(agent: &Agent, tx: &mut Transaction<'_>, peer: PeerId) -> Result<(), StateError> {
    let shared = tx.store.groups_with(peer)?;
    if shared.is_empty() {
        return Ok(());
    }
    let mut groups = GroupTransaction::new(tx, agent.us);
    for key in shared {
        groups.say_position(peer, GroupId::from_bytes(key))?;
    }
    // Members need not have met: what each calls itself they tell each other here.
    if groups.tx.store.peer(peer)?.is_some_and(|row| row.name.is_none()) {
        let hello =
            Message::Discover { id: RequestId::random(), name: Some(agent.config.name.clone()), known: None };
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

    /// Yes to an invite of ours, or a member that lost its way. Nobody else is let in.
    fn asked_in(&mut self, from: PeerId, group: GroupId, key_package: &[u8]) -> Result<(), StateError> {
        if !self.look(group, coworker_channel::Group::is_steward)? {
            return self.is_not_ours_to_admit(from, group);
        }
        let invited = self.tx.store.take_group_invited(group.as_bytes(), from)?;
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

    /// Whoever accepted an invitation that does not hold any more hears so. Who was never asked in learns
    /// nothing but that: it named the group's id.
    fn is_not_ours_to_admit(&mut self, from: PeerId, group: GroupId) -> Result<(), StateError> {
        if self.look(group, |group| group.is_member(from))? {
            return Ok(());
        }
        self.tell(from, RequestId::random(), group, GroupNews::Leave)
    }

    /// Once in a while for each member.
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

    /// Commits before this one are missing. Who is no member for us may be one by now, or have been one: it is not
    /// told where we stand, and does not make us ask to be let in again. Our steward knows.
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
            // One that joined while we were away: our steward knows.
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

    /// Sent now or not at all: there is another with the next connection. For members only.
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

    /// Asks for the log from our epoch on, once of each; whose answer still leaves us behind has no more of
    /// it, so we ask to be let in again.
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

    /// For members only: the commits say who is in the group.
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
            // Thrown away: the last one says so, because it does not follow what the asker has.
            let last = group.history(tools, group.epoch().saturating_sub(1))?;
            Ok(if history.is_empty() && epoch < group.epoch() { last } else { history })
        })?;
        for logged in history.unwrap_or_default() {
            self.tell(peer, id, group, GroupNews::Commit(logged))?;
        }
        self.say_position(peer, group)
    }

    /// Whether the answer of before is still on its way: a question is small, and a log is not.
    fn is_being_told(&mut self, peer: PeerId, group: GroupId) -> Result<bool, StateError> {
        let last = self.tx.group_cache().told.get(&(group, peer)).copied();
        Ok(match last {
            Some(id) => self.tx.store.is_queued(peer, &id.to_string())?,
            None => false,
        })
    }

    /// A member's wish to be removed, or no to an invite.
    fn leaves(&mut self, from: PeerId, group: GroupId) -> Result<(), StateError> {
        self.tx.store.take_group_invited(group.as_bytes(), from)?;
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
    tracing::info!(peer = %from, %error, "what a peer said about a group is dropped");
    Ok(())
}
