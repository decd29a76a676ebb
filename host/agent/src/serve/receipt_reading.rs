//! Reads a receipt and checks its signatures. Needs no agent, only the file.

use coworker_channel::receipt::{BadReceipt, CallRecord, Content, Draft, Outcome, Receipt};
use coworker_policy::{Digest, ErrorCode, PeerId, RequestId, SkillName};
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::base::error::OpError;

/// Largest receipt, in bytes.
pub const MAX_RECEIPT: usize = coworker_channel::receipt::MAX_RECEIPT;

/// A receipt whose signatures are valid.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReceiptRead {
    pub id: RequestId,
    pub caller: PeerId,
    pub provider: PeerId,
    /// The provider always signed.
    pub caller_signed: bool,
    pub skill: SkillName,
    pub version: Version,
    pub card: Digest,
    /// `OK` or an error code.
    pub outcome: String,
    pub input: ContentRead,
    /// Of a call that is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<ContentRead>,
    /// By the provider's clock, in milliseconds since the Unix epoch.
    pub started_ms: u64,
    pub duration_ms: u64,
    /// wasmtime fuel, roughly one unit per instruction.
    pub fuel: u64,
}

/// The digest and size of an input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentRead {
    pub sha256: Digest,
    pub bytes: u64,
}

impl From<Content> for ContentRead {
    fn from(content: Content) -> Self {
        Self { sha256: content.digest(), bytes: content.bytes() }
    }
}

impl ReceiptRead {
    /// Checks the signatures of the provider and, if it is there, the caller.
    pub fn verify(bytes: &[u8]) -> Result<Self, OpError> {
        match Receipt::verify(bytes) {
            Ok(receipt) => Ok(Self::of(receipt.record(), true)),
            Err(BadReceipt::Count { found: 1, .. }) => {
                Draft::verify(bytes).map(|draft| Self::of(draft.record(), false))
            }
            Err(bad) => Err(bad),
        }
        .map_err(|bad| OpError { code: ErrorCode::InvalidInput, ..OpError::fault(&bad) })
    }

    fn of(record: &CallRecord, caller_signed: bool) -> Self {
        let (outcome, output) = match record.outcome {
            Outcome::Done(output) => ("OK", Some(output.into())),
            Outcome::Failed(code) => (code.name(), None),
        };
        Self {
            id: record.id,
            caller: record.caller,
            provider: record.provider,
            caller_signed,
            skill: record.skill.clone(),
            version: record.version.clone(),
            card: record.card,
            outcome: outcome.to_owned(),
            input: record.input.into(),
            output,
            started_ms: record.started_ms,
            duration_ms: record.duration_ms,
            fuel: record.fuel,
        }
    }
}
