//! Finding a peer by what a person typed: its name, its id, or the start of its id.

use coworker_policy::{ErrorCode, PeerId, Text};

use crate::agent::Agent;
use crate::base::error::OpError;

impl Agent {
    /// The one peer that `typed` names.
    pub(crate) async fn find_peer(&self, typed: &str) -> Result<PeerId, OpError> {
        let name = typed.to_owned();
        let found = self.state.run(move |tx| Ok(tx.store.peers_like(&name)?)).await?;
        let shown = Text::sanitized(typed);
        match found.as_slice() {
            [peer] => Ok(peer.id),
            [] => Err(OpError::new(ErrorCode::NotConnected, format!("no peer is called `{shown}`"))
                .hint("see who is known: coworker peers; or connect first: coworker connect CODE")),
            // A name is a claim. One that the owner connected to is not put in doubt by strangers who took
            // its name; beyond that, nobody is picked silently.
            several => {
                let mut chosen = several.iter().filter(|peer| peer.chosen);
                if let (Some(peer), None) = (chosen.next(), chosen.next()) {
                    return Ok(peer.id);
                }
                let ids: Vec<String> = several.iter().map(|peer| peer.id.short()).collect();
                Err(OpError::new(ErrorCode::NotConnected, format!("`{shown}` could be several peers"))
                    .hint(format!("name one by its id: {}", ids.join(", "))))
            }
        }
    }

    /// How to call a peer in a sentence.
    pub(crate) async fn peer_name(&self, peer: PeerId) -> String {
        let row = self.state.run(move |tx| Ok(tx.store.peer(peer)?)).await.ok().flatten();
        row.and_then(|row| row.name).map_or_else(|| peer.short(), |name| format!("`{name}`"))
    }
}
