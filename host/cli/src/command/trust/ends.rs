use clap::Args;
use coworker_api::ops;
use coworker_policy::trust::{LeaseSpanError, span};

/// Until when a tier is given; flattened into the commands that give one.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Ends {
    /// End the tier after this time: 7d, 12h, "1h 30m"; from one second to ten years
    #[arg(long = "for", value_name = "SPAN", value_parser = milliseconds)]
    span_ms: Option<u64>,

    /// End the tier after this many calls
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    calls: Option<u64>,

    /// End the tier when a goal that the peer takes part in ends (coworker goals)
    #[arg(long)]
    goal: bool,
}

impl From<Ends> for ops::Ends {
    fn from(ends: Ends) -> Self {
        Self { span_ms: ends.span_ms, calls: ends.calls, goal: ends.goal }
    }
}

pub(crate) fn milliseconds(text: &str) -> Result<u64, LeaseSpanError> {
    Ok(u64::try_from(span(text)?.as_millis()).unwrap_or(u64::MAX))
}
