use coworker_policy::Digest;
use rusqlite::params;

use crate::error::StoreError;
use crate::store::Tx;

impl Tx<'_> {
    /// Returns the seed of the agent's MLS signature key, if there is one.
    pub fn mls_seed(&self) -> Result<Option<[u8; 32]>, StoreError> {
        self.one("SELECT value AS mls_seed FROM secrets WHERE name = 'mls_seed'", [], |c| c.get("mls_seed"))
    }

    /// Fails if there is a seed already: every session depends on it.
    pub fn set_mls_seed(&self, seed: &[u8; 32]) -> Result<(), StoreError> {
        self.run("INSERT INTO secrets (name, value) VALUES ('mls_seed', ?1)", params![seed])?;
        Ok(())
    }

    /// Returns the secret that the owner stored under this name for a component.
    pub fn skill_secret(&self, component: Digest, name: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value AS skill_secret FROM secrets WHERE name = ?1";
        let value: Option<Vec<u8>> = self.one(sql, [owned(component, name)], |c| c.get("skill_secret"))?;
        let text = |value| String::from_utf8(value);
        value
            .map(text)
            .transpose()
            .map_err(|error| StoreError::Corrupt { place: "secrets.value".to_owned(), source: error.into() })
    }

    /// Stores a secret for a component, or deletes it if `None`.
    pub fn set_skill_secret(
        &self,
        component: Digest,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), StoreError> {
        let name = owned(component, name);
        match value {
            Some(value) => self.run(
                "INSERT INTO secrets (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![name, value.as_bytes()],
            )?,
            None => self.run("DELETE FROM secrets WHERE name = ?1", [name])?,
        };
        Ok(())
    }

    /// Moves a component's secrets to its replacement.
    pub fn move_skill_secrets(&self, from: Digest, to: Digest) -> Result<(), StoreError> {
        let (from, to) = (owned(from, ""), owned(to, ""));
        let sql =
            "UPDATE OR REPLACE secrets SET name = ?2 || substr(name, ?3) WHERE substr(name, 1, ?3 - 1) = ?1";
        self.run(sql, params![from, to, from.len() + 1])?;
        Ok(())
    }

    /// Deletes all secrets of a component.
    pub fn drop_skill_secrets(&self, component: Digest) -> Result<usize, StoreError> {
        let prefix = owned(component, "");
        self.run("DELETE FROM secrets WHERE substr(name, 1, ?2) = ?1", params![prefix, prefix.len()])
    }
}

fn owned(component: Digest, name: &str) -> String {
    format!("skill:{component}:{name}")
}
