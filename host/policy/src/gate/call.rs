use std::time::Duration;

use crate::peer::PeerId;
use crate::tier::Tier;
use crate::version::VersionPin;

/// Who asks: the authenticated sender, never a field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// The sender that MLS authenticated.
    Peer(PeerId),
    /// The owner, at the command line, with the owner's own authority: hidden skills are theirs to run.
    Owner,
    /// The owner, to see what a peer of this tier would get.
    OwnerAs(Tier),
}

/// One request to run a skill, as it arrived. Nothing in it is believed yet.
#[derive(Clone, Debug)]
pub struct Call {
    pub caller: Caller,
    /// As the caller wrote it; it may be no skill's name at all.
    pub skill: String,
    /// JSON text, as the caller wrote it.
    pub input: String,
    /// Which versions of the skill the caller takes, if it said so.
    pub version: Option<VersionPin>,
    /// How long the caller is ready to wait, if it said so.
    pub patience: Option<Duration>,
}
