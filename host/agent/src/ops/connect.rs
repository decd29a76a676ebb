use coworker_api::ops::{Connect, Connected, Discovered, Redeemed};
use coworker_channel::Message;
use coworker_policy::trust::InviteToken;
use coworker_policy::{ErrorCode, PeerId, RequestId};
use coworker_store::Peer;

use super::Run;
use super::discover;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::link::invite::{Invite, InviteError};

impl Run for Connect {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Connected, OpError> {
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
        let Discovered { name, skills, cached_ms, .. } = shown;
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
    error.suggest("it is among your peers from now on; once it is online", ["ping", &peer.short()])
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
            .suggest("ask for the whole code again; its owner prints it with", ["invite"])
    }
}
