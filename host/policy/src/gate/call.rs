use std::time::Duration;

use crate::peer::PeerId;
use crate::tier::Tier;
use crate::version::VersionPin;

/// The authenticated sender of a call. Never taken from a field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// The sender that MLS authenticated.
    Peer(PeerId),
    /// The owner, at the command line, with full authority: may run hidden skills.
    Owner,
    /// The owner, to see the answer that a peer of this tier would get.
    OwnerAs(Tier),
}

/// A request to run a skill, as it arrived. Nothing in it is trusted yet.
#[derive(Clone, Debug)]
pub struct Call {
    pub caller: Caller,
    /// The name as the caller wrote it. It can be invalid.
    pub skill: String,
    /// JSON text, as the caller wrote it.
    pub input: String,
    /// The versions of the skill that the caller accepts, if it named any.
    pub version: Option<VersionPin>,
    /// The caller's timeout, if it set one.
    pub timeout: Option<Duration>,
    /// Set if one of the caller's skills makes this call.
    pub delegation: Option<Delegation>,
}

/// A call that one of the caller's skills makes on behalf of its own caller. The caller supplies these values, and
/// they can only lower its rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The number of skills between the first caller and this call.
    pub depth: u8,
    /// The highest tier that the first caller may be given.
    pub at_most: Tier,
    /// Whether this skill already runs here for the same first call. Determined by this agent.
    pub is_cycle: bool,
}

impl Delegation {
    /// Most skills between the first caller and a call.
    pub const MAX_DEPTH: u8 = 4;
}
