use coworker_policy::Digest;
use rusqlite::params;

use crate::error::StoreError;
use crate::row::saturated;
use crate::store::Tx;

/// One write to a component's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateChange<'a> {
    /// `skill`, or `caller:` followed by the caller's pseudonym.
    pub bucket: &'a str,
    pub key: &'a str,
    /// `None` deletes the key.
    pub value: Option<&'a [u8]>,
}

/// Size of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateSize {
    pub keys: u64,
    /// Size of all keys and values.
    pub bytes: u64,
}

/// State belongs to one installed component. No query spans two components, and removing a component deletes its state,
/// so that a component that is installed later under the same names cannot read it. An update that changes the digest
/// keeps the state through [`Tx::move_state`].
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

    /// Returns at most `limit` keys in the order of their bytes, starting after `after`.
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

    /// Applies the writes of one call. Does nothing if the component was removed while the call ran.
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

    /// Moves a component's state to its replacement, in the transaction that removes the component. Any earlier
    /// state of the replacement is deleted.
    pub fn move_state(&self, from: Digest, to: Digest) -> Result<(), StoreError> {
        if from == to {
            return Ok(());
        }
        self.drop_state(to)?;
        let sql = "UPDATE state SET component = ?2 WHERE component = ?1";
        self.run(sql, params![from.to_string(), to.to_string()])?;
        Ok(())
    }

    /// Deletes a component's state and returns the number of keys.
    pub fn drop_state(&self, component: Digest) -> Result<usize, StoreError> {
        self.run("DELETE FROM state WHERE component = ?1", [component.to_string()])
    }
}
