use coworker_leak::Disclosed;
use coworker_policy::PeerId;
use rusqlite::params;

use crate::error::StoreError;
use crate::row::saturated;
use crate::store::Tx;

/// What left for a peer belongs to the line of a component: an update of it does not begin anew. A lineage is
/// never given again, so what is left of a component that was removed means nothing.
impl Tx<'_> {
    /// Nothing, for who has not drawn anything yet.
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

    /// Forgets who drew no private word and nothing on `day` or later, and who drew nothing since `long_ago`.
    /// How many those were.
    pub fn prune_disclosed(&self, day: i64, long_ago: i64) -> Result<usize, StoreError> {
        self.run("DELETE FROM drawn WHERE words = 0 AND day < ?1 OR day < ?2", [day, long_ago])
    }
}
