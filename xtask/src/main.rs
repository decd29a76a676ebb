//! Tasks of the project: `cargo xtask bench`, `ci`, `corpus`, `languages`, `nat`, `test`, `skills`, `tidy`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool prints to the terminal")]

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
    /// Run the benches and write the results to docs/benchmarks.md
    Bench {
        /// The date to put under the results [default: today]
        #[arg(long)]
        date: Option<String>,
    },
    /// Run the whole check: format, tidy, skills, licences, clippy, demo, doc tests, languages, tests
    Ci,
    /// Fetch published packages and read their SKILL.md files as `coworker wrap` does; not part of `ci`
    Corpus {
        /// Show every warning with its file
        #[arg(long)]
        warnings: bool,
    },
    /// Build skills in other languages with tools from the registries, and run them in the sandbox
    Languages {
        /// The languages to build [default: all that build quickly]
        languages: Vec<Language>,
    },
    /// Run the tests alone, with cargo-nextest
    Test {
        /// Arguments for `cargo nextest run`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Build the components that are committed: example skills, guests of tests, the prompt runner
    Skills {
        /// Only check that the committed components match their sources; needs no wasm toolchain
        #[arg(long)]
        check: bool,
    },
    /// Test two agents behind NATs and a relay in network namespaces; needs root, iproute2 and nftables
    Nat {
        /// Run only the cases whose name contains this
        case: Option<String>,
    },
    /// Check the house rules that clippy cannot check
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
