use std::net::SocketAddr;

use coworker_policy::{AgentName, Card, ErrorCode, PeerId, Tier};
use coworker_store::Peer;
use serde::{Deserialize, Serialize};

use super::Operation;
use super::discover;
use crate::agent::Agent;
use crate::error::OpError;
use crate::invite::{Invite, InviteError};

/// Connects to the agent that an invite code names, and asks what it shows us.
#[derive(Debug, Serialize, Deserialize)]
pub struct Connect {
    pub code: String,
    /// Where the agent listens, if the code does not say and it cannot be found.
    pub at: Vec<SocketAddr>,
    /// Seconds.
    pub timeout: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Connected {
    pub peer: PeerId,
    /// What the peer calls itself.
    pub name: AgentName,
    /// What we think of the peer.
    pub tier: Tier,
    /// What the peer shows us.
    pub skills: Vec<Card>,
}

impl Operation for Connect {
    type Answer = Connected;

    async fn run(self, agent: &Agent) -> Result<Connected, OpError> {
        let invite: Invite = self.code.parse()?;
        let peer = invite.peer;
        if peer == agent.us {
            return Err(OpError::new(ErrorCode::BadInvite, "this is your own invite code")
                .hint("send it to a collaborator; connect with theirs"));
        }
        let at = self.at.into_iter().chain(invite.addresses.iter().copied());
        let addresses: Vec<String> = at.map(|address| address.to_string()).collect();
        agent.desk.run(move |work| remember(work, invite, addresses)).await?;
        // Whoever is away now may be there later: the code is not needed again.
        let shown = discover::ask(agent, peer, self.timeout).await.map_err(|error| kept(error, peer))?;
        Ok(Connected { peer, name: shown.name, tier: agent.trust.tier(peer), skills: shown.skills })
    }
}

fn kept(error: OpError, peer: PeerId) -> OpError {
    if error.from_peer {
        return error;
    }
    let again = format!("it is kept among your peers; once it is there: coworker ping {}", peer.short());
    let hint = error.hint.as_ref().map_or_else(|| again.clone(), |hint| format!("{hint}. {again}"));
    error.hint(hint)
}

fn remember(
    work: &mut crate::desk::Work<'_>,
    invite: Invite,
    addresses: Vec<String>,
) -> Result<(), crate::desk::DeskError> {
    let known = work.tx.peer(invite.peer)?;
    let (added_ms, seen_ms) = known.map_or((work.now, None), |peer| (peer.added_ms, peer.seen_ms));
    let (id, name, relay) = (invite.peer, Some(invite.name), invite.relay);
    Ok(work.tx.add_peer(&Peer { id, name, relay, addresses, chosen: true, added_ms, seen_ms })?)
}

impl From<InviteError> for OpError {
    fn from(error: InviteError) -> Self {
        Self::new(ErrorCode::BadInvite, error.to_string())
            .hint("ask for the whole code again; they get it with: coworker invite")
    }
}
