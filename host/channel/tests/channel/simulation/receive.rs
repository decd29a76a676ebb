//! How a member handles received messages.

use coworker_channel::{
    Applied, Group, GroupError, GroupFault, GroupNews, GroupOpened, GroupRefusal, Joiner, Message, Received,
    SyncState,
};
use coworker_policy::PeerId;

use super::World;
use crate::crowd::messages;
use crate::party::ping;

impl World {
    pub(super) fn deliver(&mut self) {
        let window = self.wire.len().min(60);
        if window == 0 {
            return;
        }
        let picked = if self.lossy { self.dice.below(window) } else { 0 };
        if !self.nodes[self.wire[picked].1].online {
            return;
        }
        let (from, to, bytes) = self.wire.remove(picked);
        let Ok(Message::Group { id, news, .. }) = Message::decode(&bytes) else {
            panic!("not about a group")
        };
        let number = u64::try_from(id.as_uuid().as_u128()).unwrap();
        self.receive(from, to, number, *news);
    }

    fn receive(&mut self, from: usize, to: usize, number: u64, news: GroupNews) {
        let sender = self.peer(from);
        match news {
            GroupNews::Invite { .. } if !self.nodes[to].inside => self.ask_in(to, sender),
            GroupNews::Welcome { entry, welcome } => {
                let Some(ticket) = self.nodes[to].ticket.clone() else { return };
                let again = self.nodes[to].inside;
                if self.nodes[to].agent.join(&ticket, &entry, &welcome).is_ok() {
                    let node = &mut self.nodes[to];
                    (node.group, node.ticket, node.inside) = (None, None, true);
                    if !again {
                        node.since = entry.epoch() + 1;
                    }
                }
            }
            GroupNews::Join { key_package } => {
                let joiner = [Joiner { peer: sender, key_package: &key_package }];
                if self.nodes[to].inside
                    && let Ok(done) = self.with(to, |group, backend| group.admit(backend, &joiner))
                {
                    self.spread(to, done);
                }
            }
            _ if !self.nodes[to].inside => {}
            GroupNews::Commit(logged) => {
                let applied = self.with(to, |group, backend| group.apply(backend, &logged));
                self.applied(from, to, applied);
            }
            GroupNews::Update { commit } => {
                if let Ok(Some(done)) = self.with(to, |group, backend| group.accept(backend, sender, &commit))
                {
                    self.spread(to, done);
                }
            }
            GroupNews::Sealed { sealed } => self.sealed(from, to, number, &sealed),
            GroupNews::Unread => {
                // Sealed again in the same epoch it would still be unreadable, and the requests would never end.
                let head = self.view(to, |group| group.position().head);
                if self.resent.insert((number, sender), head) != Some(head) {
                    self.send_again(to, sender, number);
                }
            }
            GroupNews::Position(theirs) => {
                let state =
                    self.with(to, |group, backend| group.compare_position(backend, sender, &theirs)).unwrap();
                match state {
                    SyncState::Behind { from: epoch } => {
                        self.post(to, sender, 0, GroupNews::History { from: epoch });
                    }
                    SyncState::WeRejoin => self.rejoin(to, theirs.steward),
                    _ => {}
                }
            }
            GroupNews::History { from: epoch } => {
                let history = self.with(to, |group, backend| group.history(backend, epoch)).unwrap();
                for logged in history {
                    self.post(to, sender, 0, GroupNews::Commit(logged));
                }
            }
            GroupNews::Leave => {
                if let Ok(done) = self.with(to, |group, backend| group.remove(backend, &[sender])) {
                    self.spread(to, done);
                }
            }
            GroupNews::Invite { .. } => {}
        }
    }

    pub(super) fn send_again(&mut self, from: usize, to: PeerId, seq: u64) {
        let due = self.sent.iter().any(|s| s.seq == seq && s.from == from && s.to.contains(&to));
        if due && self.view(from, |group| group.is_member(to)) {
            let sealed = self.seal(from, seq);
            self.post(from, to, seq, GroupNews::Sealed { sealed });
        }
    }

    fn sealed(&mut self, from: usize, to: usize, number: u64, sealed: &[u8]) {
        let via = self.peer(from);
        let me = self.peer(to);
        let roll = &self.rolls[&self.sealed[sealed]];
        let entitled = roll.contains(&me);
        match self.with(to, |group, backend| group.open(backend, via, sealed)) {
            Ok(Received::Opened(opened)) => {
                assert!(entitled, "{me} can read a message from a time when it was not a member");
                assert_eq!(opened.seq(), number);
                self.read(to, opened);
            }
            Ok(Received::Unreadable) => self.post(to, via, number, GroupNews::Unread),
            Ok(Received::Held) | Err(_) => {}
        }
    }

    fn read(&mut self, at: usize, opened: GroupOpened) {
        let (from, seq) = (opened.from(), opened.seq());
        assert_eq!(messages(opened), vec![ping(seq.into())]);
        let sent = &self.sent[usize::try_from(seq).unwrap() - 1];
        assert_eq!(self.peer(sent.from), from);
        self.nodes[at].read.entry(from).or_default().insert(seq);
    }

    fn applied(&mut self, from: usize, to: usize, applied: Result<Applied, GroupError>) {
        match applied {
            Ok(Applied::Advanced { opened, .. }) => {
                for opened in opened.into_iter().flatten() {
                    self.read(to, opened);
                }
            }
            Ok(Applied::Removed) => self.leave(to),
            Ok(Applied::Behind) => {
                // Only once for each epoch, because each entry of the answer may be ahead of us again.
                let epoch = self.view(to, Group::epoch);
                if self.asked.insert(to, epoch) != Some(epoch) {
                    let peer = self.peer(from);
                    self.post(to, peer, 0, GroupNews::History { from: epoch });
                }
            }
            // The log continues under a steward that we do not know.
            Err(GroupError::Fault(GroupFault::Author)) if !self.lossy => self.leave(to),
            Err(GroupError::Fault(GroupFault::Forked { steward, .. })) => self.rejoin(to, steward),
            Err(GroupError::Fault(GroupFault::Equivocation(_))) => panic!("no member equivocates here"),
            Ok(Applied::Known | Applied::Superseded) | Err(_) => {}
        }
    }

    pub(super) fn leave(&mut self, at: usize) {
        let group = self.nodes[at].agent.group(self.id);
        let node = &mut self.nodes[at];
        group.delete(&node.agent.party.storage).unwrap();
        (node.group, node.inside, node.ticket) = (None, false, None);
        node.read.clear();
        // Nobody has to send its earlier messages again.
        self.sent.iter_mut().filter(|sent| sent.from == at).for_each(|sent| sent.to.clear());
    }

    pub(super) fn ask_in(&mut self, at: usize, steward: PeerId) {
        let (key_package, ticket) = self.nodes[at].agent.key_package(self.id, steward);
        self.nodes[at].ticket = Some(ticket);
        self.post(at, steward, 0, GroupNews::Join { key_package });
    }

    fn rejoin(&mut self, at: usize, steward: PeerId) {
        match self.with(at, |group, backend| group.rejoin(backend, steward)) {
            Ok((key_package, ticket)) => {
                self.rejoins += 1;
                self.nodes[at].ticket = Some(ticket);
                self.post(at, steward, 0, GroupNews::Join { key_package });
            }
            // Its owner would delete the group and wait for an invite.
            Err(GroupError::Refused(GroupRefusal::UnknownSteward(_))) => self.leave(at),
            Err(error) => panic!("{error:?}"),
        }
    }
}
