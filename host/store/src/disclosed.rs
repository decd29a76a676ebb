use coworker_leak::Disclosed;
use coworker_policy::PeerId;
use rusqlite::params;

use crate::error::StoreError;
use crate::row::saturated;
use crate::store::Tx;

/// Counts of private text disclosed to a peer belong to a component's lineage, so an update of the component does not
/// reset them. A lineage is never reused, so rows of a removed component are harmless.
impl Tx<'_> {
    /// Returns empty counts if nothing was disclosed to the peer yet.
    pub fn disclosed(&self, peer: PeerId, lineage: &str) -> Result<Disclosed, StoreError> {
        let sql = "SELECT words, seen, day, bytes FROM drawn WHERE peer = ?1 AND lineage = ?2";
        let disclosed = self.one(sql, [peer.to_string().as_str(), lineage], |c| {
            let seen: Vec<u8> = c.get("seen")?;
            Ok(Disclosed::new(c.get("words")?, &seen, c.get("day")?, c.get("bytes")?))
        })?;
        Ok(disclosed.unwrap_or_default())
    }

    pub fn keep_disclosed(
        &self,
        peer: PeerId,
        lineage: &str,
        disclosed: &Disclosed,
    ) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO drawn (peer, lineage, words, seen, day, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (peer, lineage) DO UPDATE SET words = excluded.words, seen = excluded.seen,
                 day = excluded.day, bytes = excluded.bytes",
            params![
                peer.to_string(),
                lineage,
                saturated(disclosed.words()),
                disclosed.seen(),
                disclosed.day(),
                saturated(disclosed.bytes()),
            ],
        )?;
        Ok(())
    }

    /// Deletes counts without private words that did not grow on `day` or later, and all counts that did not grow
    /// since `long_ago` (days since the Unix epoch). Returns how many.
    pub fn prune_disclosed(&self, day: i64, long_ago: i64) -> Result<usize, StoreError> {
        self.run("DELETE FROM drawn WHERE words = 0 AND day < ?1 OR day < ?2", [day, long_ago])
    }
}
