use rusqlite::params;

use crate::error::StoreError;
use crate::store::Tx;

impl Tx<'_> {
    /// The seed of the agent's MLS signature key, if one was made.
    pub fn mls_seed(&self) -> Result<Option<[u8; 32]>, StoreError> {
        self.one("SELECT value AS mls_seed FROM secrets WHERE name = 'mls_seed'", [], |c| c.get("mls_seed"))
    }

    /// Fails if there is one: every session is bound to it.
    pub fn set_mls_seed(&self, seed: &[u8; 32]) -> Result<(), StoreError> {
        self.run("INSERT INTO secrets (name, value) VALUES ('mls_seed', ?1)", params![seed])?;
        Ok(())
    }
}
