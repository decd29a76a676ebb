//! Invites with a grant: the owner decides in advance which trust a peer gets that brings the code.

use std::time::Duration;

use coworker_policy::trust::{InviteGrant, InviteToken, LeaseTerms, TierChange, TokenRefusal, Trust};
use coworker_policy::{Digest, PeerId, Tier};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;
use crate::trust::TrustRow;

/// An invite with a grant. The secret in its code is not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Hash of the token. The owner names the invite by it.
    pub hash: Digest,
    pub grant: InviteGrant,
    pub uses_left: u64,
    /// The invite is invalid from this time on.
    pub expires_ms: i64,
    pub revoked: bool,
    /// The owner's own note.
    pub note: String,
    pub at_ms: i64,
}

impl Tx<'_> {
    /// Fails if an invite with this token exists.
    pub fn add_invite(&self, invite: &Invite) -> Result<(), StoreError> {
        let terms = invite.grant.terms();
        self.run(
            "INSERT INTO invite_tokens
                 (hash, tier, span_ms, calls, until_goal, uses_left, expires_ms, revoked, note, at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                invite.hash.as_bytes(),
                invite.grant.tier().name(),
                terms.span.map(|span| saturated(span.as_millis())),
                terms.calls.map(saturated),
                terms.until_goal,
                saturated(invite.uses_left),
                invite.expires_ms,
                invite.revoked,
                invite.note,
                invite.at_ms,
            ],
        )?;
        Ok(())
    }

    /// Returns all invites, newest first, including those that are no longer valid.
    pub fn invites(&self) -> Result<Vec<Invite>, StoreError> {
        self.all("SELECT * FROM invite_tokens ORDER BY at_ms DESC, hash", [], invite)
    }

    /// Returns false if there is no such invite. Trust that was granted through it stays.
    pub fn revoke_invite(&self, hash: Digest) -> Result<bool, StoreError> {
        Ok(self.run("UPDATE invite_tokens SET revoked = 1 WHERE hash = ?1", [hash.as_bytes()])? > 0)
    }

    /// Deletes invites that expired before `before_ms` and returns how many.
    pub fn prune_invites(&self, before_ms: i64) -> Result<usize, StoreError> {
        let gone = "SELECT hash FROM invite_tokens WHERE expires_ms < ?1";
        self.run(&format!("DELETE FROM invite_uses WHERE token IN ({gone})"), [before_ms])?;
        self.run("DELETE FROM invite_tokens WHERE expires_ms < ?1", [before_ms])
    }

    /// Gives `peer` the trust that the invite grants, once. Returns `Ok(None)`, and counts no use, if the peer
    /// already has that much trust.
    ///
    /// The caller must answer the peer in the same way for every refusal: a peer must not learn which codes exist.
    pub fn redeem_invite(
        &self,
        token: &InviteToken,
        peer: PeerId,
        now_ms: i64,
    ) -> Result<Result<Option<TierChange>, TokenRefusal>, StoreError> {
        let invite = match self.valid_invite(token.hash(), peer, now_ms)? {
            Ok(invite) => invite,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut trust = self.trust(peer)?.map_or_else(Trust::default, |row| row.trust);
        let change = match trust.invited(&invite.grant, now_ms) {
            Ok(Some(change)) => change,
            other => return Ok(other),
        };
        self.use_invite(invite.hash, peer, now_ms)?;
        self.decide_trust(&TrustRow { peer, trust, reason: change.reason.to_string(), at_ms: now_ms })?;
        self.log_trust(peer, &change, &invite.note, now_ms)?;
        Ok(Ok(Some(change)))
    }

    fn valid_invite(
        &self,
        hash: Digest,
        peer: PeerId,
        now_ms: i64,
    ) -> Result<Result<Invite, TokenRefusal>, StoreError> {
        let found = self.one("SELECT * FROM invite_tokens WHERE hash = ?1", [hash.as_bytes()], invite)?;
        let used = "SELECT count(*) AS count FROM invite_uses WHERE token = ?1 AND peer = ?2";
        let used = self.count(used, params![hash.as_bytes(), peer.to_string()])? > 0;
        Ok(match found {
            None => Err(TokenRefusal::Unknown),
            Some(invite) if invite.revoked => Err(TokenRefusal::Revoked),
            Some(invite) if invite.expires_ms <= now_ms => Err(TokenRefusal::Expired),
            Some(_) if used => Err(TokenRefusal::UsedBefore),
            Some(invite) if invite.uses_left == 0 => Err(TokenRefusal::UsedUp),
            Some(invite) => Ok(invite),
        })
    }

    fn use_invite(&self, hash: Digest, peer: PeerId, now_ms: i64) -> Result<(), StoreError> {
        let token = hash.as_bytes();
        self.run(
            "INSERT INTO invite_uses (token, peer, at_ms) VALUES (?1, ?2, ?3)",
            params![token, peer.to_string(), now_ms],
        )?;
        self.run("UPDATE invite_tokens SET uses_left = uses_left - 1 WHERE hash = ?1", [token])?;
        Ok(())
    }
}

fn invite(cells: &Cells<'_, '_>) -> Result<Invite, StoreError> {
    let terms = LeaseTerms {
        span: cells.get::<Option<u64>>("span_ms")?.map(Duration::from_millis),
        calls: cells.get("calls")?,
        until_goal: cells.get("until_goal")?,
    };
    let tier: Tier = cells.parsed("tier")?;
    // A row that was edited by hand must not grant more than an invite may.
    let grant = InviteGrant::new(tier, terms)
        .map_err(|source| StoreError::Corrupt { place: "invite_tokens".to_owned(), source: source.into() })?;
    Ok(Invite {
        hash: Digest::from_bytes(cells.get("hash")?),
        grant,
        uses_left: cells.get("uses_left")?,
        expires_ms: cells.get("expires_ms")?,
        revoked: cells.get("revoked")?,
        note: cells.get("note")?,
        at_ms: cells.get("at_ms")?,
    })
}
