//! Tasks of the project: `cargo xtask ci`, `test`, `tidy`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool talks on the terminal")]

mod ci;
mod source;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of the project")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// The whole check: format, tidy, skills, licences, clippy, doc tests, tests
    Ci,
    /// The tests alone
    Test {
        /// Passed on to the test runner
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// The house rules that clippy cannot check
    Tidy,
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Ci => ci::ci(),
        Task::Test { args } => ci::test(&args),
        Task::Tidy => tidy::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
