use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{AuditVerified, AuditVerify};
use coworker_policy::ErrorCode;

use crate::context::Context;
use crate::print::{self, BAD, CODE, DIM, GOOD, paint};
use crate::report::Report;

/// Verify that no entry was changed, removed, inserted or moved
///
/// Prints the log's head. Keep it elsewhere: with --head, a later check detects that the whole log was
/// replaced by an older copy.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A head printed earlier; the log must continue from it
    #[arg(long, value_name = "SEQ:HASH")]
    head: Option<String>,
}

impl Verify {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        Ok(report(&context.ask(AuditVerify { head: self.head }).await?))
    }
}

fn report(verified: &AuditVerified) -> Report {
    let Some(broken) = &verified.broken else {
        return Report::text(text(verified)).fields(verified);
    };
    let message = format!("the audit log is not as it was written: {}", print::plain(&broken.message));
    let error = ApiError::new(ErrorCode::InvalidInput, message.as_str())
        .hint("keep a copy of the data directory; docs/gates.md tells what this can be");
    let hint = print::hints(&error).unwrap_or_default();
    let told = format!("{} {message}\n  {}", paint(BAD, "✗"), paint(DIM, &hint));
    Report::text(told).fields(verified).field("ok", &false).field("error", &print::problem(&error))
}

fn text(verified: &AuditVerified) -> String {
    let rows = print::count(usize::try_from(verified.rows).unwrap_or(usize::MAX), "row");
    let mut text = format!("{} {rows}, each as it was written", paint(GOOD, "✓"));
    if let Some(pruned) = &verified.pruned {
        text =
            format!("{text}\n  {} {pruned}", paint(DIM, "you threw away what was before; the last of it:"));
    }
    if let Some(head) = &verified.head {
        let keep = paint(DIM, "keep elsewhere, and compare later with --head:");
        text = format!("{text}\n  {keep} {}", paint(CODE, head));
    }
    text
}

#[cfg(test)]
mod tests {
    use coworker_api::ops::Broken;

    use super::*;
    use crate::exit::Exit;

    #[test]
    fn a_broken_log_names_its_row_and_fails() {
        let broken = Broken { what: "missing".into(), seq: 4, message: "row 4 is missing".into() };
        let report = report(&AuditVerified { rows: 0, head: None, pruned: None, broken: Some(broken) });
        let document = report.document();
        assert_eq!((&document["ok"], &document["broken"]["seq"]), (&false.into(), &4.into()));
        assert!(document["error"]["message"].as_str().unwrap().ends_with("row 4 is missing"));
        assert_eq!(report.print(true), Exit::Failed);
    }
}
