use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::args::Cli;
use crate::report::Report;

/// Print a shell's completion script
#[derive(Debug, Args)]
#[command(
    after_help = "For example: coworker completions bash > ~/.local/share/bash-completion/completions/coworker"
)]
pub(crate) struct Completions {
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Report {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "coworker", &mut script);
        let script = String::from_utf8_lossy(&script);
        Report::text(script.clone()).field("shell", &self.shell.to_string()).field("script", &script)
    }
}
