use std::time::Duration;

use coworker_api::ops::{Grant, Invitation, InviteInfo, Invited, Mode};
use coworker_policy::trust::{InviteGrant, InviteToken};
use coworker_policy::{ErrorCode, Tier};
use serde_json::json;

use super::{Run, invite_list};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::link::invite::Invite;
use crate::link::network::network_failed;
use crate::state::audit;

/// How long a public agent may take to choose its relay.
const CHOICE: Duration = Duration::from_secs(5);

/// The relay at which this agent can be met. With several to choose from, the network measures first.
async fn relay(agent: &Agent) -> Result<Option<String>, OpError> {
    let relays = &agent.core.config.network.relays;
    if relays.len() < 2 {
        return Ok(relays.first().cloned());
    }
    let network = agent.links.network().await.map_err(|error| network_failed(&error))?;
    let chosen = async {
        loop {
            if let Some(relay) = network.home_relay() {
                return relay;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    match tokio::time::timeout(CHOICE, chosen).await {
        Ok(relay) => Ok(Some(relay)),
        Err(_) => Err(OpError::new(ErrorCode::PeerUnreachable, "none of the configured relays answers")
            .hint("check the internet connection and `relays` in config.toml")),
    }
}

impl Run for Invitation {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Invited, OpError> {
        let listening = self.with_addresses && agent.core.config.network.mode == Mode::Local;
        let addresses = if listening {
            agent.links.network().await.map_err(|error| network_failed(&error))?.addresses()
        } else {
            Vec::new()
        };
        let relay = relay(agent).await?;
        let (token, grant) = match self.grant {
            Some(grant) => {
                let (token, info) = write(agent, grant).await?;
                (Some(token), Some(info))
            }
            None => (None, None),
        };
        let invite =
            Invite { name: agent.core.config.name.clone(), peer: agent.core.us, relay, addresses, token };
        Ok(Invited {
            code: invite.to_string(),
            name: invite.name,
            id: invite.peer,
            relay: invite.relay,
            addresses: invite.addresses.iter().map(ToString::to_string).collect(),
            grant,
        })
    }
}

/// Keeps a grant, and makes the secret that it goes with.
async fn write(agent: &Agent, grant: Grant) -> Result<(InviteToken, InviteInfo), OpError> {
    let (terms, expires) = check(&grant)?;
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(|error| OpError::fault(&error))?;
    let token = InviteToken::from_random(secret);
    let (hash, uses_left, note) = (token.hash(), grant.uses, grant.note.to_string());
    let keep = agent.state.run(move |tx| {
        let (at_ms, expires_ms) = (tx.now, tx.now.saturating_add(expires));
        let invite =
            coworker_store::Invite { hash, grant: terms, uses_left, expires_ms, revoked: false, note, at_ms };
        tx.store.add_invite(&invite)?;
        let info = invite_list::info(invite, tx.now);
        let detail = json!({ "invite": info.id, "tier": info.tier, "uses": info.uses_left });
        audit::invite_changed(tx, "invite_written", &detail)?;
        Ok(info)
    });
    Ok((token, keep.await?))
}

fn check(wanted: &Grant) -> Result<(InviteGrant, i64), OpError> {
    let usage = |message: String| OpError::new(ErrorCode::Usage, message);
    if wanted.tier == Tier::Untrusted || wanted.uses == 0 || wanted.expires_ms == 0 {
        let message = "an invite without a tier, a use or time is worth nothing";
        return Err(usage(message.to_owned()).suggest("leave --grant out", ["invite"]));
    }
    let expires = i64::try_from(wanted.expires_ms).map_err(|error| OpError::fault(&error))?;
    let grant = InviteGrant::new(wanted.tier, wanted.ends.terms()?);
    let grant =
        grant.map_err(|error| usage(error.to_string()).suggest("", ["trust", "set", "PEER", "TIER"]))?;
    Ok((grant, expires))
}
