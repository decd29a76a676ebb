use std::path::PathBuf;

use clap::Args;
use coworker_api::ApiError;
use coworker_policy::ErrorCode;

use super::Which;
use crate::context::Context;
use crate::print::{self, CODE, GOOD, paint};
use crate::report::Report;

/// Export a receipt as it was signed: a DSSE envelope
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    which: Which,

    /// File to write [default: standard output]
    file: Option<PathBuf>,
}

impl Export {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let shown = self.which.read(context).await?;
        let Some(file) = self.file else {
            return Ok(Report::text(&shown.envelope).fields(&shown));
        };
        std::fs::write(&file, &shown.envelope).map_err(|error| {
            ApiError::new(ErrorCode::Usage, format!("cannot write {}: {error}", file.display()))
        })?;
        let name = print::plain(&file.display().to_string());
        let check = paint(CODE, &format!("coworker receipts verify {name}"));
        let text = format!("{} wrote {name}\nanybody can check it: {check}", paint(GOOD, "✓"));
        Ok(Report::text(text).fields(&shown).field("file", &file))
    }
}
