//! The command line: one file per command, shared printing in `print`.
//!
//! People read text, programs read one JSON document (`--json`); logs go to stderr. This crate alone reads
//! the environment and the clock of the wall.

mod args;
mod author;
mod command;
mod context;
mod demo;
mod exit;
mod logs;
mod print;
mod prompt;
mod report;
mod session;

use std::process::ExitCode;

use coworker_api::ApiError;

use crate::args::{Cli, Command};
use crate::context::Context;
use crate::exit::Exit;

fn main() -> ExitCode {
    let asked = args::asked();
    exit::guarded(asked.json, || run(&asked)).into()
}

fn run(asked: &args::Asked) -> Exit {
    let cli = match args::parse() {
        Ok(cli) => cli,
        Err(error) => return args::explain(&error, asked.json),
    };
    match execute(cli, asked) {
        Ok(exit) => exit,
        Err(error) => {
            print::failure(&error, asked.json);
            Exit::of(&error)
        }
    }
}

fn execute(cli: Cli, asked: &args::Asked) -> Result<Exit, ApiError> {
    if let Command::Compile(command) = cli.command {
        return Ok(command.run()?.print(false));
    }
    logs::start(cli.verbose, cli.command.is_serve());
    let context = Context::new(&cli, asked.data)?;
    if asked.data {
        print::name_data(context.home.dir().to_owned());
    }
    // A command waits far more than it computes; the sandbox has threads of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| ApiError::fault(&error))?;
    let report = runtime.block_on(cli.command.run(&context));
    // A blocking read of standard input must not keep the process.
    runtime.shutdown_background();
    Ok(report?.print(context.json))
}
