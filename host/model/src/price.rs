use serde::{Deserialize, Serialize};

use crate::chat::Usage;

/// Micro-dollars in a dollar, and tokens that a price is for.
const MILLION: u128 = 1_000_000;
/// Highest price, in dollars for a million tokens. A higher one is a mistake.
const MAX: f64 = 1_000_000.0;

/// The price of a million tokens, in micro-dollars. Written and read as dollars, such as `0.27`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Price(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a price is US dollars for a million tokens, from 0 to 1000000")]
pub struct BadPrice;

/// The prices of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// Of the request's tokens.
    pub input: Price,
    /// Of the answer's tokens.
    pub output: Price,
}

impl Prices {
    /// The cost in micro-dollars, rounded up, so that a request that costs anything is never free.
    pub fn cost(&self, usage: &Usage) -> u64 {
        let of = |price: Price, tokens: u64| u128::from(price.0) * u128::from(tokens);
        let cost = of(self.input, usage.input).saturating_add(of(self.output, usage.output));
        u64::try_from(cost.div_ceil(MILLION)).unwrap_or(u64::MAX)
    }
}

impl TryFrom<f64> for Price {
    type Error = BadPrice;

    fn try_from(dollars: f64) -> Result<Self, BadPrice> {
        if !(0.0..=MAX).contains(&dollars) {
            return Err(BadPrice);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a million million"
        )]
        Ok(Self((dollars * 1e6).round() as u64))
    }
}

impl From<Price> for f64 {
    #[expect(clippy::cast_precision_loss, reason = "a price is below 2^53")]
    fn from(price: Price) -> Self {
        price.0 as Self / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, output: u64) -> Usage {
        Usage { input, output, estimated: false }
    }

    #[test]
    fn a_cost_is_the_sum_rounded_up() {
        let price = |dollars: f64| Price::try_from(dollars).unwrap();
        let prices = Prices { input: price(0.27), output: price(1.1) };
        assert_eq!(prices.cost(&usage(1_000_000, 1_000_000)), 1_370_000);
        assert_eq!(prices.cost(&usage(1, 0)), 1);
        assert_eq!(prices.cost(&usage(0, 0)), 0);
        let dear = Prices { input: price(MAX), output: price(MAX) };
        assert_eq!(dear.cost(&usage(u64::MAX, u64::MAX)), u64::MAX);
    }

    #[test]
    fn an_impossible_price_is_refused() {
        for bad in [-0.01, f64::NAN, f64::INFINITY, MAX * 2.0] {
            assert_eq!(Price::try_from(bad), Err(BadPrice), "{bad}");
        }
    }
}
