use std::fmt;
use std::str::FromStr;

use super::{GrantError, shown};
use crate::name::SkillName;
use crate::peer::PeerId;

/// Another agent's skill that a component may call: `PEER-ID/SKILL`, or `PEER-ID/*` for all of its skills.
///
/// The peer is named by its key, because it can change its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRule {
    peer: PeerId,
    /// `None` for all skills.
    skill: Option<SkillName>,
}

impl PeerRule {
    /// One skill of one peer.
    pub fn exact(peer: PeerId, skill: SkillName) -> Self {
        Self { peer, skill: Some(skill) }
    }

    pub fn peer(&self) -> PeerId {
        self.peer
    }

    pub fn allows(&self, peer: PeerId, skill: &SkillName) -> bool {
        self.peer == peer && self.skill.as_ref().is_none_or(|own| own == skill)
    }

    pub(super) fn is_exact(&self) -> bool {
        self.skill.is_some()
    }
}

impl FromStr for PeerRule {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let parse = || {
            let (peer, skill) = text.trim().split_once('/')?;
            let skill = if skill == "*" { None } else { Some(skill.parse().ok()?) };
            Some(Self { peer: peer.parse().ok()?, skill })
        };
        parse().ok_or_else(|| GrantError::Peer(shown(text)))
    }
}

impl fmt::Display for PeerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.peer, self.skill.as_ref().map_or("*", SkillName::as_str))
    }
}
