//! `coworker:skill/peers`: calls of other agents' skills, as far as they were granted.

use std::sync::Arc;
use std::time::Duration;

use coworker_policy::{Capability, PeerId, PeerRule, SkillName};
use tokio::time::Instant;
use wasmtime::component::{HasData, Linker};

use crate::access::Access;
use crate::bindings::coworker::skill::peers::{Host, PeerError, Refusal, add_to_linker};
use crate::peers::{PeerCall, PeerFailure, Peers};

/// Longest name of a peer, and longest input, in bytes.
const NAME: usize = 256;
const INPUT: usize = 2 * 1024 * 1024;
/// Time that a delegated call leaves its guest, so that the guest can still answer its own caller: a tenth of
/// the time left, and at most this.
const RESERVE: Duration = Duration::from_secs(1);

const DENIED: &str = "this call may not ask that peer for that skill";
const NO_CALLS: &str = "this call may not ask a peer again";
const TOO_LONG: &str = "the input is larger than any peer takes";
const ANSWER_TOO_LONG: &str = "the peer's answer is larger than this call may take";

/// The way to other agents, and the delegated calls that one call has left.
pub(crate) struct PeersState {
    peers: Arc<dyn Peers>,
    calls: u64,
    /// Largest answer, in bytes. It is input to this skill, so the limit of inputs holds for it.
    answer: usize,
}

impl PeersState {
    pub(crate) fn new(peers: Arc<dyn Peers>, calls: u64, answer: usize) -> Self {
        Self { peers, calls, answer }
    }

    /// Resolves an id or a name.
    async fn find(&self, peer: &str, rules: &[PeerRule]) -> Option<PeerId> {
        if peer.len() > NAME {
            return None;
        }
        if let Ok(id) = peer.parse() {
            return Some(id);
        }
        let granted: Vec<PeerId> = rules.iter().map(PeerRule::peer).collect();
        self.peers.find(peer, &granted).await
    }
}

/// The interface during one host call.
pub(crate) struct PeersHost<'a> {
    pub(crate) access: &'a Access,
    pub(crate) peers: &'a mut PeersState,
    /// When the guest's own call ends.
    pub(crate) deadline: Instant,
}

struct HasPeers;

impl HasData for HasPeers {
    type Data<'a> = PeersHost<'a>;
}

pub(crate) fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    host: fn(&mut T) -> PeersHost<'_>,
) -> wasmtime::Result<()> {
    add_to_linker::<T, HasPeers>(linker, host)
}

impl Host for PeersHost<'_> {
    async fn call(&mut self, peer: String, skill: String, input: String) -> Result<String, PeerError> {
        let other = |text: &str| Err(PeerError::Other(text.to_owned()));
        let Some((peer, skill)) = self.granted(&peer, &skill).await else {
            return Err(PeerError::Denied(DENIED.to_owned()));
        };
        if input.len() > INPUT {
            return other(TOO_LONG);
        }
        match self.peers.calls.checked_sub(1) {
            Some(left) => self.peers.calls = left,
            None => return Err(PeerError::Denied(NO_CALLS.to_owned())),
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        let timeout = left.saturating_sub(RESERVE.min(left / 10));
        let peers = Arc::clone(&self.peers.peers);
        let output = peers.call(PeerCall { peer, skill, input, timeout }).await?;
        if output.len() > self.peers.answer { other(ANSWER_TOO_LONG) } else { Ok(output) }
    }
}

impl PeersHost<'_> {
    /// Returns the peer and skill if this call may ask them. Otherwise notes the denial for the owner, as the
    /// rule that would allow it.
    async fn granted(&self, name: &str, skill: &str) -> Option<(PeerId, SkillName)> {
        let held = self.access.enter(Capability::Peers).await;
        let rules = self.access.grants.peers();
        let peer = self.peers.find(name, rules).await;
        let wanted = peer.zip(skill.parse::<SkillName>().ok());
        let allowed =
            |(peer, skill): &(PeerId, SkillName)| held && rules.iter().any(|rule| rule.allows(*peer, skill));
        let granted = wanted.clone().filter(allowed);
        if granted.is_none() {
            let rule = wanted.map(|(peer, skill)| PeerRule::exact(peer, skill).to_string());
            self.access.deny(Capability::Peers, &rule.unwrap_or_else(|| shortened(name, skill)));
        }
        granted
    }
}

/// The guest picks the lengths, so they are bounded before the denial is kept.
fn shortened(name: &str, skill: &str) -> String {
    let shortened = |text: &str| text[..text.floor_char_boundary(NAME)].to_owned();
    format!("{}/{}", shortened(name), shortened(skill))
}

impl From<PeerFailure> for PeerError {
    fn from(failure: PeerFailure) -> Self {
        let text = failure.to_string();
        match failure {
            PeerFailure::Unavailable => Self::Unavailable(text),
            PeerFailure::TooDeep => Self::Denied(text),
            PeerFailure::Refused { code, message } => {
                Self::Refused(Refusal { code: code.name().to_owned(), message: message.to_string() })
            }
            PeerFailure::Deadline => Self::Deadline,
            PeerFailure::NotJson | PeerFailure::Broken => Self::Other(text),
        }
    }
}
