use coworker_policy::{AgentName, Digest, PeerId, RequestId, SkillName};
use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::operation::operations;

operations! { ReceiptOp {
    Receipts => Vec<ReceiptInfo>,
    ReceiptShow => ReceiptShown,
}}

/// Lists the receipts that this agent keeps, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Receipts {
    /// At most so many.
    pub limit: usize,
    /// Only receipts with this peer: its name, its id or the start of its id.
    pub peer: Option<String>,
    /// Only receipts of this skill.
    pub skill: Option<String>,
}

/// Shows one receipt as it was signed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptShow {
    /// The request's id, or the start of it.
    pub id: String,
    /// The other side, if two peers chose one id.
    pub peer: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptInfo {
    pub id: String,
    /// The other side.
    pub peer: PeerId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_name: Option<AgentName>,
    /// Our role in the call: `caller` or `provider`.
    pub role: String,
    /// `draft` until the caller has signed, then `complete`; `disputed` if the sides disagreed.
    pub state: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// `None` if the stored receipt no longer matches its signatures.
    pub receipt: Option<ReceiptRead>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptShown {
    #[serde(flatten)]
    pub info: ReceiptInfo,
    /// The DSSE envelope, byte for byte.
    pub envelope: String,
}

/// A receipt whose signatures are valid.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptRead {
    pub id: RequestId,
    pub caller: PeerId,
    pub provider: PeerId,
    /// True if the caller signed. The provider always has.
    pub caller_signed: bool,
    pub skill: SkillName,
    pub version: Version,
    pub card: Digest,
    /// `OK` or an error code.
    pub outcome: String,
    pub input: ContentRead,
    /// Present if the call succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<ContentRead>,
    /// By the provider's clock, in milliseconds since the Unix epoch.
    pub started_ms: u64,
    pub duration_ms: u64,
    /// Fuel of wasmtime, roughly one unit per instruction.
    pub fuel: u64,
}

/// Digest and size of an input or output; the receipt does not hold the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContentRead {
    pub sha256: Digest,
    pub bytes: u64,
}
