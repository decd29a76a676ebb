use std::time::Duration;

use coworker_policy::trust::{InviteGrant, InviteToken, LeaseTerms, Reason, TierChange, TokenRefusal, Trust};
use coworker_policy::{PeerId, Tier};
use coworker_store::{Invite, Store, StoreError, TrustLogFilter, TrustRow};
use rusqlite::Connection;

use crate::{peer, with};

const KNOWN: TierChange = TierChange { from: Tier::Untrusted, to: Tier::Known, reason: Reason::Invite };

fn token(n: u8) -> InviteToken {
    InviteToken::from_random([n; 16])
}

fn invite(n: u8, uses: u64) -> Invite {
    let terms = LeaseTerms { span: Some(Duration::from_mins(1)), calls: Some(9), until_goal: true };
    Invite {
        hash: token(n).hash(),
        grant: InviteGrant::new(Tier::Known, terms).unwrap(),
        uses_left: uses,
        expires_ms: 10_000,
        revoked: false,
        note: "for the workshop".to_owned(),
        at_ms: i64::from(n),
    }
}

fn redeem(store: &mut Store, n: u8, who: PeerId, now: i64) -> Result<Option<TierChange>, TokenRefusal> {
    with(store, |tx| tx.redeem_invite(&token(n), who, now))
}

#[test]
fn an_invite_grants_its_terms_once_per_peer_and_use() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| tx.add_invite(&invite(1, 2)));
    assert_eq!(store.begin().unwrap().invites().unwrap(), [invite(1, 2)]);
    assert_eq!(redeem(&mut store, 1, peer(1), 1_000), Ok(Some(KNOWN)));
    assert_eq!(redeem(&mut store, 1, peer(1), 1_001), Err(TokenRefusal::UsedBefore));
    assert_eq!(redeem(&mut store, 1, peer(2), 1_002), Ok(Some(KNOWN)));
    assert_eq!(redeem(&mut store, 1, peer(3), 1_003), Err(TokenRefusal::UsedUp));
    assert_eq!(redeem(&mut store, 7, peer(3), 1_004), Err(TokenRefusal::Unknown));

    let trust = with(&mut store, |tx| tx.trust(peer(1))).unwrap().trust;
    assert_eq!((trust.tier_at(60_999), trust.tier_at(61_000)), (Tier::Known, Tier::Untrusted));
    assert_eq!(trust.lease().map(|lease| (lease.calls_left, lease.until_goal)), Some((Some(9), true)));
    assert_eq!(with(&mut store, |tx| tx.trust(peer(3))), None);
    let log = with(&mut store, |tx| tx.trust_log(&TrustLogFilter { limit: 9, ..TrustLogFilter::default() }));
    let lines: Vec<_> = log.iter().map(|row| (row.peer, row.change, row.note.as_str())).collect();
    assert_eq!(lines, [(peer(2), KNOWN, "for the workshop"), (peer(1), KNOWN, "for the workshop")]);
}

#[test]
fn an_expired_or_revoked_invite_grants_nothing() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.add_invite(&invite(1, 5))?;
        tx.add_invite(&invite(2, 5))?;
        assert!(tx.revoke_invite(token(2).hash())?);
        assert!(!tx.revoke_invite(token(3).hash())?);
        Ok(())
    });
    assert_eq!(redeem(&mut store, 1, peer(1), 10_000), Err(TokenRefusal::Expired));
    assert_eq!(redeem(&mut store, 2, peer(1), 0), Err(TokenRefusal::Revoked));
    assert_eq!(redeem(&mut store, 1, peer(1), 9_999), Ok(Some(KNOWN)));
    with(&mut store, |tx| {
        assert_eq!(tx.prune_invites(10_000)?, 0);
        assert_eq!(tx.prune_invites(10_001)?, 2);
        assert_eq!(tx.invites()?, []);
        Ok(())
    });
    assert_eq!(redeem(&mut store, 1, peer(2), 0), Err(TokenRefusal::Unknown));
}

#[test]
fn an_invite_never_lowers_a_tier_and_never_restores_a_shut_peer() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.add_invite(&invite(1, 5))?;
        let decided = |n, tier| TrustRow {
            peer: peer(n),
            trust: Trust::standing(tier),
            reason: String::new(),
            at_ms: 0,
        };
        tx.decide_trust(&decided(1, Tier::Internal))?;
        tx.decide_trust(&decided(2, Tier::Untrusted))
    });
    assert_eq!(redeem(&mut store, 1, peer(1), 0), Ok(None));
    assert_eq!(redeem(&mut store, 1, peer(2), 0), Err(TokenRefusal::Shut));
    let left = store.begin().unwrap().invites().unwrap()[0].uses_left;
    assert_eq!(left, 5, "no use was counted");
    assert_eq!(with(&mut store, |tx| tx.tier(peer(1))), Tier::Internal);
}

#[test]
fn the_secret_is_not_stored_and_a_forged_row_grants_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    let mut store = Store::open(&path).unwrap();
    with(&mut store, |tx| tx.add_invite(&invite(1, 1)));
    let again = store.write(|tx| tx.add_invite(&invite(1, 9)));
    assert!(matches!(again, Err(StoreError::Sql(_))), "{again:?}");
    let connection = Connection::open(&path).unwrap();
    connection.execute("UPDATE invite_tokens SET tier = 'privileged'", []).unwrap();
    drop(connection);
    let error = store.write(|tx| tx.redeem_invite(&token(1), peer(1), 0)).unwrap_err();
    assert!(matches!(&error, StoreError::Corrupt { place, .. } if place == "invite_tokens"), "{error:?}");
    drop(store);
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(16).any(|window| window == [1; 16]));
}
