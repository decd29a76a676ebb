//! Reads a receipt and checks its signatures. Needs no agent, only the file.

use coworker_api::ops::{ContentRead, ReceiptRead};
use coworker_channel::receipt::{BadReceipt, CallRecord, Content, Draft, Outcome, Receipt};
use coworker_policy::ErrorCode;

use crate::base::error::OpError;

/// Largest receipt, in bytes.
pub const MAX_RECEIPT: usize = coworker_channel::receipt::MAX_RECEIPT;

/// Reads a receipt after checking the signatures of the provider and, if it is there, of the caller.
pub fn verify_receipt(bytes: &[u8]) -> Result<ReceiptRead, OpError> {
    match Receipt::verify(bytes) {
        Ok(receipt) => Ok(read(receipt.record(), true)),
        Err(BadReceipt::Count { found: 1, .. }) => {
            Draft::verify(bytes).map(|draft| read(draft.record(), false))
        }
        Err(bad) => Err(bad),
    }
    .map_err(|bad| OpError { code: ErrorCode::InvalidInput, ..OpError::fault(&bad) })
}

fn read(record: &CallRecord, caller_signed: bool) -> ReceiptRead {
    let (outcome, output) = match record.outcome {
        Outcome::Done(output) => ("OK", Some(content(output))),
        Outcome::Failed(code) => (code.name(), None),
    };
    ReceiptRead {
        id: record.id,
        caller: record.caller,
        provider: record.provider,
        caller_signed,
        skill: record.skill.clone(),
        version: record.version.clone(),
        card: record.card,
        outcome: outcome.to_owned(),
        input: content(record.input),
        output,
        started_ms: record.started_ms,
        duration_ms: record.duration_ms,
        fuel: record.fuel,
    }
}

fn content(content: Content) -> ContentRead {
    ContentRead { sha256: content.digest(), bytes: content.bytes() }
}
