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
    pub timeout: Option<Duration>,
    /// Whether a skill of the caller's asks, and for whom.
    pub delegation: Option<Delegation>,
}

/// A call that a skill of the caller's makes on behalf of whoever called that skill. The caller's word on it is
/// believed as far as it takes away from the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// How many skills stand between the first caller and this call.
    pub depth: u8,
    /// What the first caller may be trusted with, at most.
    pub at_most: Tier,
    /// Whether this skill runs here already for the same first call: ours to know.
    pub is_cycle: bool,
}

impl Delegation {
    /// The most skills that may stand between the first caller and a call.
    pub const MAX_DEPTH: u8 = 4;
}
