use coworker_policy::{AgentName, PeerId, Text, Tier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ends, LeaseInfo};
use crate::operation::operations;

operations! { TrustOp {
    TrustList => Vec<Decision>,
    TrustSet => Trusted,
    TrustRemove => Trusted,
    TrustAsk => TrustAsked,
    TrustRequests => Vec<TrustRequestInfo>,
    TrustAccept => TrustAnswered,
    TrustDeny => TrustAnswered,
    TrustLog => Vec<TrustLogEntry>,
}}

/// Lists the owner's trust decisions. A peer without one is UNTRUSTED.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TrustList {}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    pub peer: PeerId,
    pub name: Option<AgentName>,
    /// The peer's tier now.
    pub tier: Tier,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseInfo>,
    /// Requests of the peer since the decision that were malformed, refused or over a quota.
    pub faults_as_caller: u32,
    /// Calls of ours since the decision that failed by the peer's fault.
    pub faults_as_provider: u32,
    /// Reason of the decision.
    pub reason: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// Gives a peer a tier.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TrustSet {
    /// The peer's name, its id or the start of its id.
    pub peer: String,
    pub tier: Tier,
    pub ends: Ends,
    /// For the owner's own record; may be empty.
    pub reason: Text,
}

impl TrustSet {
    /// A tier without an end.
    pub fn standing(peer: String, tier: Tier) -> Self {
        Self { peer, tier, ends: Ends::default(), reason: Text::default() }
    }
}

/// Takes a trust decision back: the peer is UNTRUSTED again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TrustRemove {
    pub peer: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Trusted {
    pub peer: PeerId,
    pub before: Tier,
    pub tier: Tier,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseInfo>,
}

/// Asks a peer's owner for more trust, and waits a while for the answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TrustAsk {
    pub peer: String,
    pub tier: Tier,
    pub reason: Text,
    /// Seconds to wait for the owner's answer, at most 86400; 0 waits for a moment only. The request remains either way.
    pub wait: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TrustAsked {
    pub peer: PeerId,
    /// The tier that the peer's owner granted; `None` if they refused or have not answered.
    pub granted: Option<Tier>,
    pub answered: bool,
}

/// Lists the peers that asked for trust and wait for the owner's answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TrustRequests {}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TrustRequestInfo {
    pub peer: PeerId,
    pub name: Option<AgentName>,
    /// The tier that the peer asks for.
    pub tier: Tier,
    /// In the peer's own words.
    pub reason: Text,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// Accepts a peer's request for trust.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TrustAccept {
    pub peer: String,
    /// Grants this tier instead of the requested one.
    pub tier: Option<Tier>,
    pub ends: Ends,
    /// For the owner's own record; may be empty. The peer does not see it.
    pub reason: Text,
}

/// Denies a peer's request for trust. Its tier stays as it is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TrustDeny {
    pub peer: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TrustAnswered {
    pub peer: PeerId,
    /// The peer's tier now.
    pub tier: Tier,
    pub granted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseInfo>,
}

/// Lists the changes of trust, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TrustLog {
    /// Only changes of this peer's trust.
    pub peer: Option<String>,
    /// At most so many entries.
    pub limit: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TrustLogEntry {
    /// Grows with every entry.
    pub seq: i64,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    pub peer: PeerId,
    pub name: Option<AgentName>,
    pub before: Tier,
    pub after: Tier,
    /// `owner`, `accepted`, `invite`, `lease_time`, `caller_row:malformed` and others.
    pub reason: String,
    /// The reason as a sentence.
    pub why: String,
    /// The owner's note; may be empty.
    pub note: String,
}
