use coworker_policy::gate::{Caller, Pseudonym};

use crate::base::core::{Core, KeyFor};

/// A caller's name for the component of one `lineage`: keyed, so that two components cannot compare their callers. All
/// skills of a component share the name, as they share the caller's state, and an update of the component keeps it.
pub(super) fn pseudonym(core: &Core, caller: Caller, lineage: &str) -> Pseudonym {
    let mut hasher = blake3::Hasher::new_keyed(&core.key(KeyFor::Pseudonyms));
    match caller {
        Caller::Peer(peer) => hasher.update(peer.as_bytes()),
        Caller::Owner | Caller::OwnerAs(_) => hasher.update(core.us.as_bytes()),
    };
    hasher.update(lineage.as_bytes());
    let mut name = [0; 16];
    hasher.finalize_xof().fill(&mut name);
    Pseudonym(name)
}
