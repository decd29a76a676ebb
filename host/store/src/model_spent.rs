//! Use of the owner's language model, day by day.

use coworker_policy::Tier;
use rusqlite::params;

use crate::error::StoreError;
use crate::row::saturated;
use crate::store::Tx;

/// Names the account that a use counts against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelAccount {
    /// Days since 1970, UTC.
    pub day: i64,
    /// Lineage of the component that asks; see [`Tx::lineages`].
    pub lineage: String,
    /// Tier of the component's caller.
    pub tier: Tier,
}

/// Use of one account on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelSpent {
    pub calls: u64,
    pub tokens: u64,
    /// Cost in millionths of a US dollar.
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

    /// Replaces the account's numbers, and deletes days that are too old to be asked about.
    pub fn set_model_spent(&self, account: &ModelAccount, spent: ModelSpent) -> Result<(), StoreError> {
        /// Days.
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
