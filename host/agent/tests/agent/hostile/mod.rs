//! The attacks of a hostile peer, which speaks the protocol with keys of its own. Every row says the one way in which
//! it must end, and an honest peer's calls are answered all the while.

mod floods;
mod frames;
mod handshakes;
mod messages;
mod siege;
mod theft;

use std::collections::BTreeSet;

/// As many as `docs/threats.md` says.
const ATTACKS: usize = 174;

#[test]
fn the_list_is_as_long_as_it_says() {
    let names = [frames::names(), handshakes::names(), messages::names(), theft::names(), floods::names()];
    let names = names.concat();
    assert_eq!((names.len(), names.iter().collect::<BTreeSet<_>>().len()), (ATTACKS, ATTACKS));
}
