use std::path::Path;
use std::time::Duration;

use coworker_policy::Tier;
use coworker_policy::trust::{LeaseTerms, Misdeed, Reason, TierChange, Trust};
use coworker_store::{Store, TrustLogFilter, TrustRow};
use rusqlite::Connection;

use crate::{peer, with};

fn lease(base: Tier, tier: Tier, terms: LeaseTerms) -> Trust {
    Trust::standing(base).leased(tier, terms, 1_000)
}

fn seconds(seconds: u64) -> LeaseTerms {
    LeaseTerms { span: Some(Duration::from_secs(seconds)), ..LeaseTerms::default() }
}

fn decided(n: u8, trust: Trust) -> TrustRow {
    TrustRow { peer: peer(n), trust, reason: "works with us".to_owned(), at_ms: i64::from(n) }
}

#[test]
fn a_trust_row_is_read_as_it_was_written() {
    let mut trust =
        lease(Tier::Known, Tier::Internal, LeaseTerms { calls: Some(5), until_goal: true, ..seconds(60) });
    trust.provider_failed(1_000);
    trust.caller_misbehaved(Misdeed::Malformed, 1_000);
    trust.caller_misbehaved(Misdeed::Malformed, 1_000);
    trust.caller_behaved();
    trust.call_counted(Tier::Internal, 1_000).unwrap();
    let all = [decided(1, trust), decided(2, Trust::standing(Tier::Untrusted)), decided(3, Trust::default())];
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        all.iter().try_for_each(|standing| tx.decide_trust(standing))?;
        assert_eq!(tx.trust_rows()?, all);
        assert_eq!(tx.trust(peer(1))?.as_ref(), Some(&all[0]));
        assert_eq!(tx.trust(peer(9))?, None);
        assert_eq!(tx.tier(peer(1))?, Tier::Known, "without the lease");
        assert!(!tx.keep_trust(peer(9), &Trust::default())?, "the faults of strangers are not stored");
        tx.set_tier(peer(1), Tier::Internal, "stays", 9)?;
        assert_eq!(tx.trust(peer(1))?.unwrap().trust, Trust::standing(Tier::Internal));
        Ok(())
    });
}

#[test]
fn a_fault_keeps_the_reason_and_time_of_the_decision() {
    let mut store = Store::in_memory().unwrap();
    let mut standing = decided(1, Trust::standing(Tier::Privileged));
    with(&mut store, |tx| {
        tx.decide_trust(&standing)?;
        standing.trust.goal_completed(0);
        assert!(tx.keep_trust(peer(1), &standing.trust)?);
        assert_eq!(tx.trust(peer(1))?.as_ref(), Some(&standing));
        Ok(())
    });
}

#[test]
fn a_lease_that_expired_while_the_agent_was_stopped_ends_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    with(&mut Store::open(&path).unwrap(), |tx| {
        tx.decide_trust(&decided(1, lease(Tier::Known, Tier::Privileged, seconds(60))))?;
        tx.decide_trust(&decided(2, lease(Tier::Untrusted, Tier::Internal, seconds(30))))?;
        tx.decide_trust(&decided(3, lease(Tier::Known, Tier::Internal, seconds(90))))?;
        tx.decide_trust(&decided(4, Trust::standing(Tier::Known)))?;
        assert_eq!(tx.next_lease_end()?, Some(31_000));
        Ok(())
    });

    let mut store = Store::open(&path).unwrap();
    let change = |from, to| TierChange { from, to, reason: Reason::LeaseTime };
    with(&mut store, |tx| {
        let second = (peer(2), change(Tier::Internal, Tier::Untrusted));
        let first = (peer(1), change(Tier::Privileged, Tier::Known));
        assert_eq!(tx.end_leases(61_000)?, [second, first]);
        assert_eq!(tx.end_leases(61_000)?, []);
        assert_eq!(tx.next_lease_end()?, Some(91_000));
        let tiers: Vec<Tier> = tx.trust_rows()?.iter().map(|s| s.trust.tier_at(0)).collect();
        assert_eq!(
            tiers,
            [Tier::Known, Tier::Untrusted, Tier::Internal, Tier::Known],
            "even if the clock goes back"
        );
        let log = tx.trust_log(&TrustLogFilter { limit: 9, ..TrustLogFilter::default() })?;
        assert_eq!(log.iter().map(|row| (row.peer, row.change)).collect::<Vec<_>>(), [first, second]);
        Ok(())
    });
}

#[test]
fn the_trust_log_is_read_by_page_and_by_peer() {
    let mut store = Store::in_memory().unwrap();
    let change =
        TierChange { from: Tier::Known, to: Tier::Untrusted, reason: Reason::CallerRow(Misdeed::OverQuota) };
    with(&mut store, |tx| {
        for n in 1..=4 {
            tx.log_trust(peer(n % 2), &change, "so be it", i64::from(n))?;
        }
        let read = |filter: TrustLogFilter| {
            Ok::<_, coworker_store::StoreError>(
                tx.trust_log(&filter)?.iter().map(|row| row.at_ms).collect::<Vec<_>>(),
            )
        };
        assert_eq!(read(TrustLogFilter { limit: 2, ..TrustLogFilter::default() })?, [4, 3]);
        assert_eq!(read(TrustLogFilter { limit: 2, before: Some(3), ..TrustLogFilter::default() })?, [2, 1]);
        assert_eq!(read(TrustLogFilter { limit: 9, peer: Some(peer(1)), before: None })?, [3, 1]);
        let row = &tx.trust_log(&TrustLogFilter { limit: 1, ..TrustLogFilter::default() })?[0];
        assert_eq!((row.change, row.note.as_str()), (change, "so be it"));
        Ok(())
    });
}

#[test]
fn the_trust_log_cannot_be_changed_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.db");
    let change = TierChange { from: Tier::Known, to: Tier::Internal, reason: Reason::Owner };
    with(&mut Store::open(&path).unwrap(), |tx| tx.log_trust(peer(1), &change, "", 0));
    let refused = |path: &Path, sql: &str| Connection::open(path).unwrap().execute(sql, []).unwrap_err();
    for sql in ["UPDATE trust_log SET note = 'x'", "DELETE FROM trust_log"] {
        assert!(refused(&path, sql).to_string().contains("append-only"), "{sql}");
    }
}
