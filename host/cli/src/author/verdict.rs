use coworker_api::ApiError;
use coworker_api::ops::{DeniedInfo, Tried};
use coworker_policy::{ErrorCode, Tier};
use serde::Serialize;
use serde_json::Value;

use super::cases::{Case, Expected};
use super::difference::{Difference, differences};

/// The outcome of one case.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) file: String,
    pub(crate) name: String,
    pub(crate) skill: String,
    pub(crate) calls: Vec<Call>,
}

/// A case, as a caller of one tier.
#[derive(Debug, Serialize)]
pub(crate) struct Call {
    pub(crate) tier: Tier,
    pub(crate) ok: bool,
    pub(crate) duration_ms: f64,
    pub(crate) fuel_used: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) differences: Vec<Difference>,
    /// The skill's log, if it helps.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) log: String,
    /// Requests that were denied, if they help.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) denied: Vec<DeniedInfo>,
}

impl Verdict {
    pub(crate) fn failed(&self) -> usize {
        self.calls.iter().filter(|call| !call.ok).count()
    }
}

/// Compares the outcome of a call with the expected one.
pub(crate) fn judge(case: &Case, tier: Tier, tried: Tried) -> Call {
    let differences = match (&case.expected, &tried.ending) {
        (Expected::Output(wanted), Ok(output)) => differences("output", wanted, output, false),
        (Expected::Contains(part), Ok(output)) => differences("output", part, output, true),
        (Expected::Error { code, message }, Err(error)) => of_error(*code, message.as_deref(), error),
        (Expected::Output(value) | Expected::Contains(value), Err(error)) => {
            vec![other("output", value.clone(), told(error))]
        }
        (Expected::Error { code, .. }, Ok(output)) => {
            vec![other("error", Value::from(code.name()), output.clone())]
        }
    };
    let ok = differences.is_empty();
    let Tried { log, denied, fuel_used, duration_ms, .. } = tried;
    let (log, denied) = if ok { Default::default() } else { (log, denied) };
    Call { tier, ok, duration_ms, fuel_used, differences, log, denied }
}

fn of_error(code: ErrorCode, message: Option<&str>, error: &ApiError) -> Vec<Difference> {
    if error.code != code {
        return vec![other("error", Value::from(code.name()), told(error))];
    }
    let wanted = message.filter(|part| !error.message.contains(part));
    wanted
        .map(|part| other("message", Value::from(part), Value::from(error.message.as_str())))
        .into_iter()
        .collect()
}

fn other(at: &str, expected: Value, found: Value) -> Difference {
    Difference { at: at.to_owned(), expected: Some(expected), found: Some(found) }
}

fn told(error: &ApiError) -> Value {
    Value::from(format!("{}: {}", error.code, error.message))
}
