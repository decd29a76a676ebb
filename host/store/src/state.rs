use coworker_policy::Digest;
use rusqlite::params;

use crate::error::StoreError;
use crate::row::saturated;
use crate::store::Tx;

/// One write to what a component remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateChange<'a> {
    /// `skill`, or `caller:` and a pseudonym.
    pub bucket: &'a str,
    pub key: &'a str,
    /// None deletes the key.
    pub value: Option<&'a [u8]>,
}

/// How much a bucket holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateSize {
    pub keys: u64,
    /// Of keys and values together.
    pub bytes: u64,
}

/// State belongs to one installed component. No query spans two, and removing the component removes it, so
/// that whoever is installed later under the same names reads nothing of it. An update that changes the
/// digest takes the state along with [`Tx::move_state`].
impl Tx<'_> {
    pub fn state_get(
        &self,
        component: Digest,
        bucket: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.one(
            "SELECT value FROM state WHERE component = ?1 AND bucket = ?2 AND key = ?3",
            params![component.to_string(), bucket, key],
            |c| c.get("value"),
        )
    }

    /// At most `limit` keys in the order of their bytes, those after `after` if there is one.
    pub fn state_keys(
        &self,
        component: Digest,
        bucket: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        self.all(
            "SELECT key FROM state WHERE component = ?1 AND bucket = ?2 AND (?3 IS NULL OR key > ?3)
             ORDER BY key LIMIT ?4",
            params![component.to_string(), bucket, after, saturated(limit)],
            |c| c.get("key"),
        )
    }

    pub fn state_size(&self, component: Digest, bucket: &str) -> Result<StateSize, StoreError> {
        let size = self.one(
            "SELECT count(*) AS keys, coalesce(sum(octet_length(key) + octet_length(value)), 0) AS bytes
             FROM state WHERE component = ?1 AND bucket = ?2",
            params![component.to_string(), bucket],
            |c| Ok(StateSize { keys: c.get("keys")?, bytes: c.get("bytes")? }),
        )?;
        Ok(size.unwrap_or_default())
    }

    /// Does what one call wrote. A component that was removed while the call ran keeps nothing.
    pub fn apply_state(&self, component: Digest, changes: &[StateChange<'_>]) -> Result<(), StoreError> {
        let component = component.to_string();
        for StateChange { bucket, key, value } in changes {
            match value {
                Some(value) => self.run(
                    "INSERT INTO state (component, bucket, key, value)
                     SELECT digest, ?2, ?3, ?4 FROM components WHERE digest = ?1
                     ON CONFLICT (component, bucket, key) DO UPDATE SET value = excluded.value",
                    params![component, bucket, key, value],
                )?,
                None => self.run(
                    "DELETE FROM state WHERE component = ?1 AND bucket = ?2 AND key = ?3",
                    params![component, bucket, key],
                )?,
            };
        }
        Ok(())
    }

    /// Hands the state on to the component that takes this one's place, in the transaction that removes it.
    /// Nothing of what the new one remembered before is left.
    pub fn move_state(&self, from: Digest, to: Digest) -> Result<(), StoreError> {
        if from == to {
            return Ok(());
        }
        self.drop_state(to)?;
        let sql = "UPDATE state SET component = ?2 WHERE component = ?1";
        self.run(sql, params![from.to_string(), to.to_string()])?;
        Ok(())
    }

    /// Forgets all that a component remembers. How many keys there were.
    pub fn drop_state(&self, component: Digest) -> Result<usize, StoreError> {
        self.run("DELETE FROM state WHERE component = ?1", [component.to_string()])
    }
}
