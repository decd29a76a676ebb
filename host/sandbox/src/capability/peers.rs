//! `coworker:skill/peers`: other agents' skills, those that were granted and no other.

use std::sync::Arc;
use std::time::Duration;

use coworker_policy::{Capability, PeerId, PeerRule, SkillName};
use tokio::time::Instant;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::coworker::skill::peers::{Host, PeerError, Refusal, add_to_linker};
use crate::guest::Guest;
use crate::peers::{PeerCall, PeerFailure, Peers};

/// Longest name of a peer, and longest input, in bytes.
const NAME: usize = 256;
const INPUT: usize = 2 * 1024 * 1024;
/// What a guest keeps of its time to tell its own caller that a peer did not answer: a tenth, a second at most.
const KEPT: Duration = Duration::from_secs(1);

const DENIED: &str = "this call may not ask that peer for that skill";
const NO_CALLS: &str = "this call may not ask a peer again";
const TOO_LONG: &str = "the input is larger than any peer takes";
const ANSWER_TOO_LONG: &str = "the peer's answer is larger than this call may take";

/// What one call may still ask of others.
pub(crate) struct PeersState {
    peers: Arc<dyn Peers>,
    calls: u64,
    /// Bytes of one answer: it is to this skill what a caller's input is.
    answer: usize,
}

pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}

impl PeersState {
    pub(crate) fn new(peers: Arc<dyn Peers>, calls: u64, answer: usize) -> Self {
        Self { peers, calls, answer }
    }

    /// An id is itself; a name is looked up.
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

impl Host for Guest {
    async fn call(&mut self, peer: String, skill: String, input: String) -> Result<String, PeerError> {
        let other = |text: &str| Err(PeerError::Other(text.to_owned()));
        let held = self.enter(Capability::Peers).await;
        let Some((peer, skill)) = self.granted(held, &peer, &skill).await else {
            return Err(PeerError::Denied(DENIED.to_owned()));
        };
        if input.len() > INPUT {
            return other(TOO_LONG);
        }
        match self.peers.calls.checked_sub(1) {
            Some(left) => self.peers.calls = left,
            None => return Err(PeerError::Denied(NO_CALLS.to_owned())),
        }
        let left = self.call.deadline.saturating_duration_since(Instant::now());
        let timeout = left.saturating_sub(KEPT.min(left / 10));
        let peers = Arc::clone(&self.peers.peers);
        let output = peers.call(PeerCall { peer, skill, input, timeout }).await?;
        if output.len() > self.peers.answer { other(ANSWER_TOO_LONG) } else { Ok(output) }
    }
}

impl Guest {
    /// Whom and what this call may ask; what it may not is noted for the owner, as the rule that would allow it.
    async fn granted(&mut self, held: bool, name: &str, skill: &str) -> Option<(PeerId, SkillName)> {
        let rules = self.grants.peers().to_vec();
        let peer = self.peers.find(name, &rules).await;
        let wanted = peer.zip(skill.parse::<SkillName>().ok());
        let allowed =
            |(peer, skill): &(PeerId, SkillName)| held && rules.iter().any(|rule| rule.allows(*peer, skill));
        let granted = wanted.clone().filter(allowed);
        if granted.is_none() {
            let what = wanted.map(|(peer, skill)| PeerRule::exact(peer, skill).to_string());
            self.deny(Capability::Peers, &what.unwrap_or_else(|| cut(name, skill)));
        }
        granted
    }
}

/// A guest picks the lengths.
fn cut(name: &str, skill: &str) -> String {
    let cut = |text: &str| text[..text.floor_char_boundary(NAME)].to_owned();
    format!("{}/{}", cut(name), cut(skill))
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
