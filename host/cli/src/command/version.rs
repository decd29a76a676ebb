use clap::Args;

use crate::report::Report;

/// Show the version
#[derive(Debug, Args)]
pub(crate) struct Version {}

impl Version {
    #[expect(clippy::unused_self, reason = "every command runs the same way")]
    pub(crate) fn run(self) -> Report {
        let version = env!("CARGO_PKG_VERSION");
        let (os, machine) = (std::env::consts::OS, std::env::consts::ARCH);
        let report = Report::text(format!("coworker {version} ({os}, {machine})"));
        report.field("version", &version).field("os", &os).field("machine", &machine)
    }
}
