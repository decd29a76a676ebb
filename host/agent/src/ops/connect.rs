use std::net::SocketAddr;

use coworker_channel::Message;
use coworker_policy::trust::InviteToken;
use coworker_policy::{AgentName, Card, ErrorCode, PeerId, RequestId, Tier};
use coworker_store::Peer;
use serde::{Deserialize, Serialize};

use super::Operation;
use super::discover;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::link::invite::{Invite, InviteError};

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
    /// The peer cannot be reached: this is what it showed then, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_ms: Option<i64>,
    /// What became of the grant in the code; `None` if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite: Option<Redeemed>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Redeemed {
    /// What the peer thinks of us now, by its own word. `None` if the code is worth nothing to us any more:
    /// why, only its owner knows.
    pub granted: Option<Tier>,
}

impl Operation for Connect {
    type Answer = Connected;

    async fn run(self, agent: &Agent) -> Result<Connected, OpError> {
        let mut invite: Invite = self.code.parse()?;
        let peer = invite.peer;
        if peer == agent.core.us {
            return Err(OpError::new(ErrorCode::BadInvite, "this is your own invite code")
                .hint("send it to a collaborator; connect with theirs"));
        }
        let at = self.at.into_iter().chain(invite.addresses.iter().copied());
        let addresses: Vec<String> = at.map(|address| address.to_string()).collect();
        let token = invite.token.take();
        agent.state.run(move |tx| remember(tx, invite, addresses)).await?;
        // Before we ask what it shows us: the grant may be what that depends on.
        let redeemed = match token {
            Some(token) => {
                Some(redeem(agent, peer, token, self.timeout).await.map_err(|error| kept(error, peer))?)
            }
            None => None,
        };
        // Whoever is away now may be there later: the code is not needed again.
        let shown = discover::ask(agent, peer, self.timeout).await.map_err(|error| kept(error, peer))?;
        let tier = agent.trust.tier(peer);
        let discover::Discovered { name, skills, cached_ms, .. } = shown;
        Ok(Connected { peer, name, tier, skills, invite: redeemed, cached_ms })
    }
}

async fn redeem(agent: &Agent, peer: PeerId, token: InviteToken, timeout: f64) -> Result<Redeemed, OpError> {
    let id = RequestId::random();
    let question = Message::TrustRedeem { id, token };
    let answer = agent.links.ask(peer, id, question, discover::checked_timeout(timeout)?).await?;
    // An older coworker does not know the question; its answer is an error, and the connection stands.
    let granted = if let Message::TrustGrant { tier, .. } = answer { Some(tier) } else { None };
    Ok(Redeemed { granted })
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
    tx: &mut crate::state::Transaction<'_>,
    invite: Invite,
    addresses: Vec<String>,
) -> Result<(), crate::state::StateError> {
    let known = tx.store.peer(invite.peer)?;
    let (added_ms, seen_ms) = known.map_or((tx.now, None), |peer| (peer.added_ms, peer.seen_ms));
    let (id, name, relay) = (invite.peer, Some(invite.name), invite.relay);
    Ok(tx.store.add_peer(&Peer { id, name, relay, addresses, chosen: true, added_ms, seen_ms })?)
}

impl From<InviteError> for OpError {
    fn from(error: InviteError) -> Self {
        Self::new(ErrorCode::BadInvite, error.to_string())
            .hint("ask for the whole code again; they get it with: coworker invite")
    }
}
