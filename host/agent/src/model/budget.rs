use coworker_policy::Limits;
use coworker_store::ModelSpent;

/// A hundredth of a dollar, in micro-dollars.
const CENT: u64 = 10_000;

/// The most that one day may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget(ModelSpent);

/// The most that a question can cost, or its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) tokens: u64,
    /// Micro-dollars; 0 where the price is not known.
    pub(super) micros: u64,
}

impl Budget {
    pub(super) fn of(limits: &Limits) -> Self {
        Self(ModelSpent {
            calls: limits.llm_calls_per_day,
            tokens: limits.llm_tokens_per_day,
            micros: limits.llm_cents_per_day.saturating_mul(CENT),
        })
    }

    /// The sum with one more question; `None` if the budget has no room for it.
    pub(super) fn reserve(&self, spent: ModelSpent, worst: Amount) -> Option<ModelSpent> {
        let room = |most: u64, spent: u64, more: u64| spent.checked_add(more).filter(|sum| *sum <= most);
        let money = if worst.micros == 0 {
            Some(spent.micros)
        } else {
            room(self.0.micros, spent.micros, worst.micros)
        };
        Some(ModelSpent {
            calls: room(self.0.calls, spent.calls, 1)?,
            tokens: room(self.0.tokens, spent.tokens, worst.tokens)?,
            micros: money?,
        })
    }
}

/// The sum once a question is over: `used` replaces the amount reserved for it. The question itself stays counted.
pub(super) fn settle(spent: ModelSpent, worst: Amount, used: Amount) -> ModelSpent {
    let instead = |spent: u64, worst: u64, used: u64| spent.saturating_sub(worst).saturating_add(used);
    ModelSpent {
        calls: spent.calls,
        tokens: instead(spent.tokens, worst.tokens, used.tokens),
        micros: instead(spent.micros, worst.micros, used.micros),
    }
}

#[cfg(test)]
mod tests {
    use coworker_policy::Tier;

    use super::*;

    fn budget() -> Budget {
        let (llm_calls_per_day, llm_tokens_per_day, llm_cents_per_day) = (2, 100, 1);
        let limits = Limits::of(Tier::Internal);
        Budget::of(&Limits { llm_calls_per_day, llm_tokens_per_day, llm_cents_per_day, ..limits })
    }

    fn spent(calls: u64, tokens: u64, micros: u64) -> ModelSpent {
        ModelSpent { calls, tokens, micros }
    }

    fn worst(tokens: u64, micros: u64) -> Amount {
        Amount { tokens, micros }
    }

    #[test]
    fn a_question_fits_up_to_the_last_token_and_no_further() {
        let room = |spent, worst| budget().reserve(spent, worst);
        assert_eq!(room(spent(0, 0, 0), worst(100, CENT)), Some(spent(1, 100, CENT)));
        assert_eq!(room(spent(0, 0, 0), worst(101, 0)), None);
        assert_eq!(room(spent(0, 0, 1), worst(1, CENT)), None);
        assert_eq!(room(spent(1, 99, CENT - 1), worst(1, 1)), Some(spent(2, 100, CENT)));
        assert_eq!(room(spent(2, 0, 0), worst(1, 0)), None);
        assert_eq!(room(spent(0, u64::MAX, 0), worst(u64::MAX, 0)), None);
        // Without a price no money is counted, even if some was spent while there was one.
        assert_eq!(room(spent(0, 0, 9 * CENT), worst(1, 0)), Some(spent(1, 1, 9 * CENT)));
    }

    #[test]
    fn without_money_no_question_with_a_price_is_asked() {
        let limits = Limits { llm_cents_per_day: 0, ..Limits::of(Tier::Internal) };
        assert_eq!(Budget::of(&limits).reserve(spent(0, 0, 0), worst(1, 1)), None);
        assert!(Budget::of(&limits).reserve(spent(0, 0, 0), worst(1, 0)).is_some());
    }

    #[test]
    fn the_amount_used_replaces_the_amount_reserved() {
        assert_eq!(settle(spent(2, 70, 50), worst(50, 40), worst(9, 5)), spent(2, 29, 15));
        assert_eq!(settle(spent(1, 10, 0), worst(10, 0), worst(u64::MAX, 7)), spent(1, u64::MAX, 7));
    }
}
