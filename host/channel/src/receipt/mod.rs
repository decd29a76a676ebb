//! Receipts: the record of one call, signed by both sides, in a DSSE envelope around an in-toto statement.
//!
//! The provider signs a [`Draft`] and sends it after its answer. The caller compares it with its own record of the
//! call and signs the same bytes. Then both have the same [`Receipt`], which anybody can verify from its bytes
//! alone.

mod compare;
mod content;
mod envelope;
mod seal;
mod statement;

use std::fmt;

use coworker_policy::{Digest, ErrorCode, PeerId, RequestId, SkillName};
use semver::Version;

use crate::identity::Identity;

pub use compare::{Known, MAX_CLOCK_DIFFERENCE_MS, Mismatch};
pub(crate) use content::raw;
pub use content::{Content, JsonText};
pub use envelope::MAX_RECEIPT;
pub use seal::{seal_audit_head, sealed_audit_head};

/// The content of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    pub id: RequestId,
    pub caller: PeerId,
    pub provider: PeerId,
    pub skill: SkillName,
    pub version: Version,
    /// The hash of the skill's card at the time of the call.
    pub card: Digest,
    pub input: Content,
    pub outcome: Outcome,
    /// By the provider's clock, in milliseconds since the Unix epoch.
    pub started_ms: u64,
    pub duration_ms: u64,
    pub fuel: u64,
}

/// The outcome of a call that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done(Content),
    Failed(ErrorCode),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Provider,
    Caller,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Provider => "provider",
            Self::Caller => "caller",
        })
    }
}

/// An Ed25519 signature over a receipt's payload.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature")
    }
}

/// Why bytes are not a valid receipt.
#[derive(Debug, thiserror::Error)]
pub enum BadReceipt {
    #[error("it has {size} bytes; at most {MAX_RECEIPT} are allowed")]
    TooLarge { size: usize },
    #[error("its {what} is not JSON of the expected shape")]
    Json { what: &'static str, source: serde_json::Error },
    #[error("its {0} is not valid in a call receipt")]
    Field(&'static str),
    #[error("it has {found} signatures; expected {due}")]
    Count { found: usize, due: usize },
    #[error("the key id of the {0}'s signature names another key")]
    Key(Side),
    #[error("the signature of the {0} is not valid")]
    Signature(Side),
}

/// A receipt that the provider signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    record: CallRecord,
    payload: Vec<u8>,
    provider: Signature,
}

/// A receipt that both sides signed. The signatures of a value of this type have been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    draft: Draft,
    caller: Signature,
}

impl Draft {
    /// Signs as the provider. Returns `None` if the record names another provider, or us as the caller as well.
    pub fn sign(record: CallRecord, identity: &Identity) -> Option<Self> {
        let ours = record.provider == identity.peer_id() && record.caller != record.provider;
        ours.then(|| {
            let payload = statement::encode(&record);
            let provider = envelope::sign(&payload, identity);
            Self { record, payload, provider }
        })
    }

    /// Reads a draft and verifies the provider's signature.
    pub fn verify(bytes: &[u8]) -> Result<Self, BadReceipt> {
        let opened = envelope::open(bytes)?;
        let record = statement::decode(&opened.payload)?;
        let [provider] = opened.signatures([record.provider])?;
        Ok(Self { record, payload: opened.payload, provider })
    }

    pub fn record(&self) -> &CallRecord {
        &self.record
    }

    pub fn envelope(&self) -> Vec<u8> {
        envelope::encode(&self.payload, &[(self.record.provider, self.provider)])
    }

    /// Signs as the caller, if the record agrees with the known facts.
    pub fn countersign(self, known: &Known<'_>, identity: &Identity) -> Result<Receipt, Mismatch> {
        known.compare(&self.record, identity.peer_id())?;
        let caller = envelope::sign(&self.payload, identity);
        Ok(Receipt { draft: self, caller })
    }

    /// Adds the caller's signature to ours, after verifying it.
    pub fn complete(self, caller: Signature) -> Result<Receipt, BadReceipt> {
        envelope::check(&self.payload, self.record.caller, caller, Side::Caller)?;
        Ok(Receipt { draft: self, caller })
    }
}

impl Receipt {
    /// Reads a receipt and verifies both signatures, from the bytes alone.
    pub fn verify(bytes: &[u8]) -> Result<Self, BadReceipt> {
        let opened = envelope::open(bytes)?;
        let record = statement::decode(&opened.payload)?;
        let [provider, caller] = opened.signatures([record.provider, record.caller])?;
        Ok(Self { draft: Draft { record, payload: opened.payload, provider }, caller })
    }

    pub fn record(&self) -> &CallRecord {
        &self.draft.record
    }

    /// The provider's draft.
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    pub fn caller_signature(&self) -> Signature {
        self.caller
    }

    pub fn envelope(&self) -> Vec<u8> {
        let Draft { record, payload, provider } = &self.draft;
        envelope::encode(payload, &[(record.provider, *provider), (record.caller, self.caller)])
    }
}
