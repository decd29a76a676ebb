use coworker_api::ops::ModelUse;
use serde_json::Value;

/// Reads the use of the model from the details of an audit row about one question.
pub(crate) fn used_of_row(detail: &Value) -> ModelUse {
    ModelUse {
        questions: 1,
        tokens: detail["counted_tokens"].as_u64().unwrap_or_default(),
        cost_microusd: detail["cost_microusd"].as_u64(),
    }
}
