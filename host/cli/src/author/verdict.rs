use coworker_agent::OpError;
use coworker_agent::ops::Ran;
use coworker_policy::{ErrorCode, Tier};
use serde::Serialize;
use serde_json::Value;

use super::cases::{Case, Expected};
use super::difference::{Difference, differences};

/// What came of one case.
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
    /// Without those of a call that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fuel_used: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) differences: Vec<Difference>,
    /// What the skill wrote to its owner's log, if that helps.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) log: String,
}

impl Verdict {
    pub(crate) fn failed(&self) -> usize {
        self.calls.iter().filter(|call| !call.ok).count()
    }
}

/// Holds what a call brought against what it must bring.
pub(crate) fn judge(case: &Case, tier: Tier, came: Result<Ran, OpError>) -> Call {
    let differences = match (&case.expected, &came) {
        (Expected::Output(output), Ok(ran)) => differences("output", output, &ran.output, false),
        (Expected::Contains(part), Ok(ran)) => differences("output", part, &ran.output, true),
        (Expected::Error { code, message }, Err(error)) => of_error(*code, message.as_deref(), error),
        (Expected::Output(value) | Expected::Contains(value), Err(error)) => {
            vec![other("output", value.clone(), told(error))]
        }
        (Expected::Error { code, .. }, Ok(ran)) => {
            vec![other("error", Value::from(code.name()), ran.output.clone())]
        }
    };
    let ok = differences.is_empty();
    let ran = came.ok();
    Call {
        tier,
        ok,
        differences,
        duration_ms: ran.as_ref().map(|ran| ran.duration_ms),
        fuel_used: ran.as_ref().map(|ran| ran.fuel_used),
        log: ran.filter(|_| !ok).map(|ran| ran.log).unwrap_or_default(),
    }
}

fn of_error(code: ErrorCode, message: Option<&str>, error: &OpError) -> Vec<Difference> {
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

fn told(error: &OpError) -> Value {
    Value::from(format!("{}: {}", error.code, error.message))
}
