//! Logs: to stderr, never to stdout. `RUST_LOG` overrides `-v`.

use std::fmt;
use std::io::stderr;

use anstream::{AutoStream, ColorChoice};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// Starts logging. `verbose` counts the `-v`s; a `serve` logs events even without one.
pub(crate) fn start(verbose: u8, serve: bool) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(directives(verbose, serve)));
    let color = AutoStream::choice(&stderr()) != ColorChoice::Never;
    let logs = tracing_subscriber::fmt().with_writer(stderr).with_ansi(color).with_target(verbose > 1);
    // It fails only if logging was started before.
    let _ = logs.with_timer(Clock).with_env_filter(filter).try_init();
}

/// The target `skill` has the lines of guests, `audit` the audit rows.
fn directives(verbose: u8, serve: bool) -> &'static str {
    match (verbose, serve) {
        (0, false) => "off",
        (0, true) => "error,coworker_agent=info,coworker_net=warn,audit=info,skill=info",
        (1, _) => {
            "warn,coworker_agent=debug,coworker_channel=debug,coworker_net=debug,coworker_sandbox=debug,skill=trace"
        }
        (2, _) => {
            "info,coworker_agent=trace,coworker_channel=trace,coworker_net=trace,coworker_sandbox=trace,skill=trace"
        }
        _ => "debug",
    }
}

/// The owner's time of day.
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", jiff::Zoned::now().strftime("%H:%M:%S"))
    }
}
