//! Counts of private text disclosed to each peer.

use coworker_leak::Disclosed;
use coworker_store::Store;

use crate::{peer, with};

#[test]
fn disclosed_counts_are_stored_by_peer_and_lineage() {
    let mut store = Store::in_memory().unwrap();
    let disclosed = Disclosed::new(7, &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0], 20_000, 512);
    with(&mut store, |tx| {
        assert_eq!(tx.disclosed(peer(1), "line")?, Disclosed::default());
        tx.keep_disclosed(peer(1), "line", &Disclosed::default())?;
        tx.keep_disclosed(peer(1), "line", &disclosed)?;
        assert_eq!(tx.disclosed(peer(1), "line")?, disclosed);
        assert_eq!(tx.disclosed(peer(2), "line")?, Disclosed::default());
        assert_eq!(tx.disclosed(peer(1), "other")?, Disclosed::default());
        Ok(())
    });
}

/// A stranger can make keys for free, so rows that no longer matter must not pile up.
#[test]
fn counts_that_no_longer_matter_are_pruned() {
    let mut store = Store::in_memory().unwrap();
    let shingle = [1, 0, 0, 0, 0, 0, 0, 0];
    with(&mut store, |tx| {
        tx.keep_disclosed(peer(1), "line", &Disclosed::new(0, &[], 100, 512))?;
        tx.keep_disclosed(peer(2), "line", &Disclosed::new(5, &shingle, 100, 512))?;
        tx.keep_disclosed(peer(3), "line", &Disclosed::new(0, &[], 101, 512))?;
        assert_eq!(tx.prune_disclosed(101, 50)?, 1);
        assert_eq!(tx.disclosed(peer(2), "line")?.words(), 5);
        assert_eq!(tx.prune_disclosed(101, 101)?, 1);
        Ok(())
    });
}
