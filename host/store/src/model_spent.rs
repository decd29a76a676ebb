//! What the owner's language model was used for, day by day.

use coworker_policy::Tier;
use rusqlite::params;

use crate::error::StoreError;
use crate::row::saturated;
use crate::store::Tx;

/// Whose use it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelAccount {
    /// Days since 1970, UTC.
    pub day: i64,
    /// Of the component that asks; see [`Tx::lineages`].
    pub lineage: String,
    /// Of whoever called it.
    pub tier: Tier,
}

/// How much was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelSpent {
    pub calls: u64,
    pub tokens: u64,
    /// Micro-dollars.
    pub micros: u64,
}

impl Tx<'_> {
    pub fn model_spent(&self, account: &ModelAccount) -> Result<ModelSpent, StoreError> {
        let ModelAccount { day, lineage, tier } = account;
        let spent = self.one(
            "SELECT calls, tokens, micros FROM model_spent WHERE day = ?1 AND lineage = ?2 AND tier = ?3",
            params![day, lineage, tier.name()],
            |c| Ok(ModelSpent { calls: c.get("calls")?, tokens: c.get("tokens")?, micros: c.get("micros")? }),
        )?;
        Ok(spent.unwrap_or_default())
    }

    /// Puts a number in the place of the one before. Days that nobody asks about any more are forgotten.
    pub fn set_model_spent(&self, account: &ModelAccount, spent: ModelSpent) -> Result<(), StoreError> {
        /// For how many days it is kept.
        const KEPT: i64 = 62;
        let ModelAccount { day, lineage, tier } = account;
        let ModelSpent { calls, tokens, micros } = spent;
        self.run(
            "INSERT INTO model_spent (day, lineage, tier, calls, tokens, micros) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (day, lineage, tier) DO UPDATE SET
                 calls = excluded.calls, tokens = excluded.tokens, micros = excluded.micros",
            params![
                day,
                lineage,
                tier.name(),
                saturated(calls),
                saturated(tokens),
                saturated(micros)
            ],
        )?;
        self.run("DELETE FROM model_spent WHERE day < ?1", [day.saturating_sub(KEPT)])?;
        Ok(())
    }
}
