//! The cost of a question, and its details for the audit log.

use std::time::Duration;

use coworker_model::{ChatRequest, Completion, ModelError, Usage};
use coworker_policy::Tier;
use serde_json::{Value, json};

use super::budget::Amount;
use super::chosen::Model;

fn amount(model: &Model, usage: &Usage) -> Amount {
    let micros = model.prices().map_or(0, |prices| prices.cost(usage));
    Amount { tokens: usage.input.saturating_add(usage.output), micros }
}

/// The most that a question can cost.
pub(super) fn worst(model: &Model, ask: &ChatRequest<'_>) -> Amount {
    let longest = ask.options.max_tokens.map_or(0, u64::from);
    amount(model, &Usage { input: ask.tokens(), output: longest, estimated: true })
}

/// The cost of a question: the worst case where it is not known.
pub(super) fn used(model: &Model, worst: Amount, answered: &Result<Completion, ModelError>) -> Amount {
    match answered {
        Ok(completion) => amount(model, &completion.usage),
        Err(error) if error.fault.may_cost() => worst,
        Err(_) => Amount { tokens: 0, micros: 0 },
    }
}

/// The details for the audit log, without the question and the answer. `tier` is the tier of the caller that the
/// question was asked for; `None` for the owner's own.
pub(super) fn record(
    model: &Model,
    tier: Option<Tier>,
    answered: &Result<Completion, ModelError>,
    used: Amount,
    took: Duration,
) -> Value {
    let usage = answered.as_ref().ok().map(|completion| completion.usage);
    let outcome = answered.as_ref().err().map_or_else(|| "ok".to_owned(), |error| error.fault.to_string());
    json!({
        "outcome": outcome,
        "model": model.endpoint().model(),
        "tier": tier,
        "input_tokens": usage.map(|usage| usage.input),
        "output_tokens": usage.map(|usage| usage.output),
        "estimated": usage.is_some_and(|usage| usage.estimated).then_some(true),
        "counted_tokens": used.tokens,
        "cost_microusd": model.prices().map(|_| used.micros),
        "duration_ms": took.as_secs_f64() * 1000.0,
    })
}
