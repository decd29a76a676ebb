use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use clap::Args;
use coworker_agent::{MAX_RECEIPT, verify_receipt};
use coworker_api::ApiError;
use coworker_api::ops::ReceiptRead;
use coworker_api::ops::ReceiptShow;
use coworker_policy::ErrorCode;

use super::told;
use crate::context::Context;
use crate::print::{self, BAD, GOOD, paint};
use crate::report::Report;

/// Verify the signatures of a receipt: of a file (without an agent) or of a stored receipt
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A file, or the id of a call, or the start of it
    #[arg(value_name = "FILE|ID")]
    receipt: String,

    /// The peer, if two peers chose the same id
    #[arg(long)]
    peer: Option<String>,
}

impl Verify {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let path = Path::new(&self.receipt);
        let envelope = if path.is_file() || path.components().count() > 1 {
            file(path)?
        } else {
            context.ask(ReceiptShow { id: self.receipt, peer: self.peer }).await?.envelope.into_bytes()
        };
        verify_receipt(&envelope).map(|receipt| report(&receipt)).map_err(|bad| ApiError {
            message: format!("it is no receipt that anybody can rely on: {}", bad.message),
            ..bad
        })
    }
}

/// One byte more than may be, so that a file that is too large is one.
fn file(path: &Path) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_RECEIPT as u64 + 1).read_to_end(&mut bytes)).map_err(
        |error| ApiError::new(ErrorCode::Usage, format!("cannot read {}: {error}", path.display())),
    )?;
    // An editor, or a shell, puts a line feed at the end.
    bytes.truncate(bytes.trim_ascii_end().len());
    Ok(bytes)
}

fn report(receipt: &ReceiptRead) -> Report {
    let told = told(receipt);
    if receipt.caller_signed {
        let text = format!("{} both signed this\n{told}", paint(GOOD, "✓"));
        return Report::text(text).field("receipt", receipt);
    }
    let message = "the caller did not sign this: it is the provider's word alone";
    let error = ApiError::new(ErrorCode::InvalidInput, message);
    Report::text(format!("{} {message}\n{told}", paint(BAD, "✗")))
        .field("receipt", receipt)
        .field("ok", &false)
        .field("error", &print::problem(&error))
}
