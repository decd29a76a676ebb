use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::operation::operations;

operations! { ModelOp {
    ModelLook => ModelInfo,
    ModelTest => ModelTested,
}}

/// Shows the language model that the owner chose.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ModelLook {}

/// Asks the language model one short question.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ModelTest {}

/// The language model that the owner chose. Never its key.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ModelInfo {
    /// The provider's name for the model; `None` if there is no usable model.
    pub model: Option<String>,
    pub base_url: Option<String>,
    /// Source of the key: an environment variable or the file `llm.key`.
    pub key: Option<String>,
    /// US dollars for a million input tokens.
    pub price_in: Option<f64>,
    /// US dollars for a million output tokens.
    pub price_out: Option<f64>,
    /// Why the chosen model cannot be used.
    pub problem: Option<ApiError>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ModelTested {
    pub model: String,
    /// Milliseconds until the answer was complete.
    pub latency_ms: f64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// True if the provider does not report tokens.
    pub estimated: bool,
    /// US dollars; `None` if the price is not configured.
    pub cost: Option<f64>,
}

/// Use of a language model, in total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelUse {
    /// Questions, unanswered ones included.
    pub questions: u64,
    pub tokens: u64,
    /// Micro-dollars; absent if a price is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_microusd: Option<u64>,
}

impl ModelUse {
    /// The sum of both. Its cost is known only if both costs are.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self.questions == 0 {
            return other;
        }
        let cost = self.cost_microusd.zip(other.cost_microusd);
        Self {
            questions: self.questions.saturating_add(other.questions),
            tokens: self.tokens.saturating_add(other.tokens),
            cost_microusd: cost.map(|(one, two)| one.saturating_add(two)),
        }
    }
}

impl fmt::Display for ModelUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens", self.tokens)?;
        match self.cost_microusd {
            Some(micros) => write!(f, ", ${}.{:06}", micros / 1_000_000, micros % 1_000_000),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_has_a_cost_only_if_all_of_it_has() {
        let used = |questions, tokens, cost_microusd| ModelUse { questions, tokens, cost_microusd };
        let (priced, unpriced) = (used(1, 10, Some(7)), used(1, 5, None));
        assert_eq!(ModelUse::default().and(priced), priced);
        assert_eq!(priced.and(priced), used(2, 20, Some(14)));
        assert_eq!(priced.and(unpriced), used(2, 15, None));
    }
}
