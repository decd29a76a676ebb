use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The use of a language model, in sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUse {
    /// Includes those without an answer.
    pub questions: u64,
    pub tokens: u64,
    /// In micro-dollars; `None` where a price is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_microusd: Option<u64>,
}

impl ModelUse {
    /// Reads the details of an audit row about one question.
    pub(crate) fn of_row(detail: &Value) -> Self {
        Self {
            questions: 1,
            tokens: detail["counted_tokens"].as_u64().unwrap_or_default(),
            cost_microusd: detail["cost_microusd"].as_u64(),
        }
    }

    /// Adds both. A cost that is not known for one is not known for the sum.
    pub(crate) fn and(self, other: Self) -> Self {
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
