//! Tasks of the project: `cargo xtask bench`, `ci`, `corpus`, `languages`, `nat`, `test`, `skills`, `tidy`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool talks on the terminal")]

mod bench;
mod ci;
mod corpus;
mod languages;
mod nat;
mod skills;
mod source;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use languages::Language;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of the project")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure, and write the numbers into docs/benchmarks.md
    Bench {
        /// Put under the numbers [default: today]
        #[arg(long)]
        date: Option<String>,
    },
    /// The whole check: format, tidy, skills, licences, clippy, doc tests, tests
    Ci,
    /// Read the SKILL.md files of published packages, fetched from the registries, as `coworker wrap` would
    Corpus {
        /// Show every warning, with its file
        #[arg(long)]
        warnings: bool,
    },
    /// Build skills in other languages, with tools from the registries, and run them in the sandbox
    Languages {
        /// Which; without any, all that are quick
        languages: Vec<Language>,
    },
    /// The tests alone
    Test {
        /// Passed on to the test runner
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Build the example skills, which are committed as components
    Skills {
        /// Only tell whether the committed components are those of the sources; needs no wasm toolchain
        #[arg(long)]
        check: bool,
    },
    /// Two agents behind NATs and a relay, in network namespaces; needs root, iproute2 and nftables
    Nat {
        /// Only the cases whose name contains this
        case: Option<String>,
    },
    /// The house rules that clippy cannot check
    Tidy,
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Bench { date } => bench::run(date),
        Task::Ci => ci::ci(),
        Task::Corpus { warnings } => corpus::corpus(&source::root(), warnings),
        Task::Languages { languages } => languages::languages(&source::root(), &languages),
        Task::Test { args } => ci::test(&args),
        Task::Skills { check: true } => skills::check(&source::root()),
        Task::Skills { check: false } => skills::build(&source::root()),
        Task::Nat { case } => nat::run(case.as_deref()),
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
