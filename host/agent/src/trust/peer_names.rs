//! Finds a peer by its name, its id, or the start of its id, as a person types them.

use coworker_policy::{AgentName, ErrorCode, PeerId};
use coworker_store::Peer;

use crate::base::error::OpError;
use crate::base::typed::{IdStart, Kind};
use crate::state::StateActor;

const PEERS: Kind = Kind {
    singular: "peer",
    plural: "peers",
    code: ErrorCode::NotConnected,
    hints: &[("see known peers", &["peers"]), ("connect first", &["connect", "CODE"])],
};

/// The one peer that `typed` means, of all that this agent knows.
pub(crate) async fn find(state: &StateActor, typed: &str) -> Result<PeerId, OpError> {
    chosen_or_only(typed, like(state, typed).await?)
}

/// The one peer that `typed` means, preferring those in `first`: a stranger that took the name of one of them must
/// not stand in its way.
pub(crate) async fn find_preferring(
    state: &StateActor,
    typed: &str,
    first: &[PeerId],
) -> Result<PeerId, OpError> {
    let all = like(state, typed).await?;
    let preferred: Vec<PeerId> = all.iter().map(|peer| peer.id).filter(|peer| first.contains(peer)).collect();
    if preferred.is_empty() {
        return chosen_or_only(typed, all);
    }
    PEERS.only(typed, preferred, PeerId::short)
}

/// True if a person may mean this peer by `typed`.
pub(crate) fn is_named(typed: &str, peer: PeerId, name: Option<&AgentName>) -> bool {
    name.is_some_and(|name| name.as_str().eq_ignore_ascii_case(typed))
        || IdStart::of(typed).is_some_and(|start| start.fits(&peer.to_string()))
}

/// The peer's name for a sentence: the name that it gave itself, or the start of its id.
pub(crate) async fn shown(state: &StateActor, peer: PeerId) -> String {
    let row = state.run(move |tx| Ok(tx.store.peer(peer)?)).await.ok().flatten();
    row.and_then(|row| row.name).map_or_else(|| peer.short(), |name| format!("`{name}`"))
}

async fn like(state: &StateActor, typed: &str) -> Result<Vec<Peer>, OpError> {
    let name = typed.to_owned();
    Ok(state.run(move |tx| Ok(tx.store.peers_like(&name)?)).await?)
}

/// A name is a claim. A stranger that took the name of a peer to which the owner connected does not put that peer
/// in doubt; in all other cases an ambiguous name is an error.
fn chosen_or_only(typed: &str, found: Vec<Peer>) -> Result<PeerId, OpError> {
    let mut chosen = found.iter().filter(|peer| peer.chosen);
    if let (Some(peer), None) = (chosen.next(), chosen.next()) {
        return Ok(peer.id);
    }
    PEERS.only(typed, found, |peer| peer.id.short()).map(|peer| peer.id)
}
