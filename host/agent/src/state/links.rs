//! The connections of a peer, and the session that runs over them.

use std::sync::atomic::{AtomicU64, Ordering};

use coworker_channel::{Frame, Hello, Position, Session, SessionId, VERSION};
use coworker_net::{EndpointKind, LinkSender};
use coworker_policy::{PeerId, Tier};
use coworker_store::SessionRow;

use super::{StateError, Transaction};

/// Handshakes that wait for a Welcome after we handed out a key package, at most. Another one replaces the oldest of a
/// stranger, so that a peer that never finishes keeps nobody out.
const MAX_OPEN_HANDSHAKES: usize = 256;
/// Connections kept per peer; the oldest makes room. There are two when both sides dial at once.
const MAX_LINKS: usize = 4;

/// Tells one connection from another to the same peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkId(u64);

/// One connection of a peer. Messages go to the last one of its list.
pub(crate) struct Line {
    pub(crate) id: LinkId,
    pub(crate) endpoint: EndpointKind,
    pub(crate) sender: LinkSender,
}

impl LinkId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Transaction<'_> {
    /// Our first frame on a connection with `peer`.
    pub(crate) fn hello(&self, peer: PeerId) -> Result<Hello, StateError> {
        let position = self.store.session(peer)?.map(|row| Position {
            session: SessionId::from_bytes(row.id),
            received: row.received,
            acked: row.acked,
            sent: row.sent,
        });
        Ok(Hello { version: VERSION, position })
    }

    /// A key package for `peer` to make a session with. It stays the same until it is used or the connection ends.
    pub(crate) fn key_package(&mut self, peer: PeerId) -> Result<Vec<u8>, StateError> {
        if let Some((_, package)) = self.memory.key_packages.get(&peer) {
            return Ok(package.clone());
        }
        // Each one costs rows on disk, and anybody may dial.
        if self.memory.key_packages.len() >= MAX_OPEN_HANDSHAKES {
            let oldest = self.oldest_stranger()?.ok_or(StateError::Busy)?;
            self.drop_key_package(oldest)?;
        }
        let package = Session::key_package(&self.memory.member, &self.store.mls())?;
        self.memory.key_packages.insert(peer, (LinkId::next(), package.clone()));
        Ok(package)
    }

    /// The holder of the oldest key package that the owner neither chose nor decided about.
    fn oldest_stranger(&self) -> Result<Option<PeerId>, StateError> {
        let mut holders: Vec<_> =
            self.memory.key_packages.iter().map(|(peer, (at, _))| (*at, *peer)).collect();
        holders.sort_unstable_by_key(|(at, _)| at.0);
        for (_, peer) in holders {
            let chosen = self.store.peer(peer)?.is_some_and(|row| row.chosen);
            if !chosen && self.store.tier(peer)? == Tier::Untrusted {
                return Ok(Some(peer));
            }
        }
        Ok(None)
    }

    /// Withdraws the key package of a handshake that ended without a session.
    pub(crate) fn drop_key_package(&mut self, peer: PeerId) -> Result<(), StateError> {
        if let Some((_, package)) = self.memory.key_packages.remove(&peer) {
            Session::withdraw(&self.store.mls(), &package)?;
        }
        Ok(())
    }

    /// Makes a new session from the peer's key package; returns the Welcome. Unacknowledged mail of the older session is
    /// sent again in this one. Returns `None` if the handshake of another connection made a session since we sent
    /// `ours`: that session stands.
    pub(crate) fn create_session(
        &mut self,
        peer: PeerId,
        ours: &Hello,
        package: &[u8],
    ) -> Result<Option<(SessionId, Vec<u8>)>, StateError> {
        if self.overtaken(peer, ours)? {
            return Ok(None);
        }
        self.retire_session(peer)?;
        let (session, welcome) = Session::create(&self.memory.member, &self.store.mls(), peer, package)?;
        let id = self.install(session)?;
        Ok(Some((id, welcome)))
    }

    /// Joins the session that the peer made. If both sides made one at once, the session of the smaller id stands, and
    /// `None` means that ours does. A session that we made before we sent `ours` does not count: the peer was told of
    /// it, and does not have it.
    pub(crate) fn join_session(
        &mut self,
        peer: PeerId,
        us: PeerId,
        ours: &Hello,
        welcome: &[u8],
    ) -> Result<Option<SessionId>, StateError> {
        if us < peer && self.overtaken(peer, ours)? {
            return Ok(None);
        }
        self.retire_session(peer)?;
        let session = Session::join(&self.memory.member, &self.store.mls(), peer, welcome)?;
        // Only now, so that after a failure the package is still there to be withdrawn.
        self.memory.key_packages.remove(&peer);
        self.install(session).map(Some)
    }

    /// True if the session changed since we sent `ours`.
    fn overtaken(&self, peer: PeerId, ours: &Hello) -> Result<bool, StateError> {
        let session = |hello: &Hello| hello.position.map(|position| position.session);
        Ok(session(&self.hello(peer)?) != session(ours))
    }

    fn retire_session(&mut self, peer: PeerId) -> Result<(), StateError> {
        let Some(row) = self.store.session(peer)? else { return Ok(()) };
        let old = match self.memory.sessions.remove(&peer) {
            Some(session) => Some(session),
            None => Session::load(&self.store.mls(), peer, &SessionId::from_bytes(row.id))?,
        };
        old.map_or(Ok(()), |session| session.delete(&self.store.mls())).map_err(StateError::from)
    }

    fn install(&mut self, session: Session) -> Result<SessionId, StateError> {
        let (peer, id) = (session.peer(), session.id());
        let row = SessionRow { peer, id: *id.as_bytes(), sent: 0, acked: 0, received: 0 };
        self.store.put_session(&row)?;
        self.memory.sessions.insert(peer, session);
        // Connections that agreed on the older session would carry batches that the other side cannot read.
        self.close_links(peer, "replaced by a new session");
        Ok(id)
    }

    /// Adds a connection whose handshake agreed on `session`. Everything unacknowledged is sent again on it, in order, and
    /// new mail follows. `received` is the last batch that the peer says it has.
    pub(crate) fn link_up(
        &mut self,
        peer: PeerId,
        line: Line,
        session: SessionId,
        received: u64,
    ) -> Result<(), StateError> {
        // Another connection's handshake may have replaced the session meanwhile.
        let row = self.store.session(peer)?.filter(|row| row.id == *session.as_bytes());
        let row = row.ok_or(StateError::NoSession)?;
        self.store.acked(peer, received.min(row.sent))?;
        let links = self.memory.links.entry(peer).or_default();
        if links.len() >= MAX_LINKS {
            links.remove(0).sender.close("replaced by a newer connection");
        }
        let link = line.sender.clone();
        links.push(line);
        self.memory.presence.set(peer, true);
        self.store.peer_seen(peer, self.now)?;
        self.resend(peer, &link)?;
        self.due.mail.insert(peer);
        Ok(())
    }

    /// Removes a connection that is gone. If another one remains, unacknowledged mail goes over that one.
    pub(crate) fn link_down(&mut self, peer: PeerId, id: LinkId) -> Result<(), StateError> {
        let Some(links) = self.memory.links.get_mut(&peer) else { return Ok(()) };
        let was_current = links.last().is_some_and(|current| current.id == id);
        links.retain(|line| line.id != id);
        let next = links.last().map(|line| line.sender.clone());
        if links.is_empty() {
            self.memory.links.remove(&peer);
            self.memory.presence.set(peer, false);
        }
        match next {
            Some(link) if was_current => self.resend(peer, &link),
            _ => Ok(()),
        }
    }

    /// Forgets a peer and its session.
    pub(crate) fn forget(&mut self, peer: PeerId) -> Result<(), StateError> {
        self.retire_session(peer)?;
        self.close_links(peer, "forgotten");
        Ok(self.store.forget_peer(peer)?)
    }

    fn close_links(&mut self, peer: PeerId, reason: &'static str) {
        for line in self.memory.links.remove(&peer).unwrap_or_default() {
            line.sender.close(reason);
        }
        self.memory.presence.set(peer, false);
    }

    /// Closes the connections through the public endpoint, if a direct one is in use.
    pub(crate) fn leave_front(&mut self, peer: PeerId) {
        let Some(links) = self.memory.links.get(&peer) else { return };
        if links.last().is_none_or(|current| current.endpoint != EndpointKind::Direct) {
            return;
        }
        // Each stays in the list until its reader has taken the last messages.
        for line in links.iter().filter(|line| line.endpoint == EndpointKind::Identity) {
            line.sender.close("moved to the direct door");
        }
    }

    /// The connection that messages go to, and the endpoint that it came in at.
    pub(crate) fn current_link(&self, peer: PeerId) -> Option<(LinkSender, EndpointKind)> {
        let line = self.memory.links.get(&peer)?.last()?;
        Some((line.sender.clone(), line.endpoint))
    }

    pub(crate) fn linked_peers(&self) -> Vec<PeerId> {
        self.memory.links.keys().copied().collect()
    }

    pub(crate) fn is_linked(&self, peer: PeerId) -> bool {
        self.memory.links.contains_key(&peer)
    }

    fn resend(&mut self, peer: PeerId, link: &LinkSender) -> Result<(), StateError> {
        let Some(row) = self.store.session(peer)? else { return Ok(()) };
        let session = SessionId::from_bytes(row.id);
        for (seq, ciphertext) in self.store.sealed_after(peer, row.acked)? {
            self.due.frames.push((link.clone(), Frame::Sealed { session, seq, ciphertext }));
        }
        Ok(())
    }

    /// Loads the session into memory if it is not there.
    pub(super) fn load_session(&mut self, peer: PeerId) -> Result<(), StateError> {
        if !self.memory.sessions.contains_key(&peer) {
            let row = self.store.session(peer)?.ok_or(StateError::NoSession)?;
            let session = Session::load(&self.store.mls(), peer, &SessionId::from_bytes(row.id))?;
            self.memory.sessions.insert(peer, session.ok_or(StateError::NoSession)?);
        }
        Ok(())
    }
}
