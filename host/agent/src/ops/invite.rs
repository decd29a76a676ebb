use std::time::Duration;

use coworker_policy::trust::{InviteGrant, InviteToken};
use coworker_policy::{AgentName, ErrorCode, PeerId, Text, Tier};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Operation;
use super::invite_list::InviteInfo;
use super::lease::Ends;
use crate::agent::Agent;
use crate::base::config::Mode;
use crate::base::error::OpError;
use crate::link::invite::Invite;
use crate::state::audit;

/// Makes the code that others connect with. Without a grant it is the same every time, to be shared with
/// anybody.
#[derive(Debug, Serialize, Deserialize)]
pub struct Invitation {
    /// Put this agent's addresses into the code: for networks where it cannot be found otherwise.
    pub with_addresses: bool,
    /// What the code is worth to whoever brings it.
    pub grant: Option<Grant>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Grant {
    pub tier: Tier,
    /// How many peers may use it, each once.
    pub uses: u64,
    /// How long the code is worth something, in milliseconds.
    pub expires_ms: u64,
    /// Until when a peer keeps the tier once it has it.
    pub ends: Ends,
    /// For the owner's own record; may be empty.
    pub note: Text,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Invited {
    pub code: String,
    pub name: AgentName,
    pub id: PeerId,
    pub relay: Option<String>,
    pub addresses: Vec<String>,
    /// What the code grants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<InviteInfo>,
}

/// How long a public agent may take to choose its relay.
const CHOICE: Duration = Duration::from_secs(5);

/// The relay at which this agent can be met. With several to choose from, the network measures first.
async fn relay(agent: &Agent) -> Result<Option<String>, OpError> {
    let relays = &agent.core.config.network.relays;
    if relays.len() < 2 {
        return Ok(relays.first().cloned());
    }
    let network = agent.links.network().await?;
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

impl Operation for Invitation {
    type Answer = Invited;

    async fn run(self, agent: &Agent) -> Result<Invited, OpError> {
        let listening = self.with_addresses && agent.core.config.network.mode == Mode::Local;
        let addresses = if listening { agent.links.network().await?.addresses() } else { Vec::new() };
        let relay = relay(agent).await?;
        let (token, grant) = match self.grant {
            Some(grant) => {
                let (token, info) = grant.write(agent).await?;
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

impl Grant {
    /// Keeps the grant, and makes the secret that it goes with.
    async fn write(self, agent: &Agent) -> Result<(InviteToken, InviteInfo), OpError> {
        let (grant, expires) = self.check()?;
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).map_err(|error| OpError::fault(&error))?;
        let token = InviteToken::from_random(secret);
        let (hash, uses_left, note) = (token.hash(), self.uses, self.note.to_string());
        let keep = agent.state.run(move |tx| {
            let (at_ms, expires_ms) = (tx.now, tx.now.saturating_add(expires));
            let invite =
                coworker_store::Invite { hash, grant, uses_left, expires_ms, revoked: false, note, at_ms };
            tx.store.add_invite(&invite)?;
            let info = InviteInfo::of(invite, tx.now);
            let detail = json!({ "invite": info.id, "tier": info.tier, "uses": info.uses_left });
            audit::invite_changed(tx, "invite_written", &detail)?;
            Ok(info)
        });
        Ok((token, keep.await?))
    }

    fn check(&self) -> Result<(InviteGrant, i64), OpError> {
        let usage = |message: String| OpError::new(ErrorCode::Usage, message);
        if self.tier == Tier::Untrusted || self.uses == 0 || self.expires_ms == 0 {
            let message = "an invite without a tier, a use or time is worth nothing";
            return Err(usage(message.to_owned()).hint("leave --grant out: coworker invite"));
        }
        let expires = i64::try_from(self.expires_ms).map_err(|error| OpError::fault(&error))?;
        let grant = InviteGrant::new(self.tier, self.ends.terms()?);
        let grant = grant.map_err(|error| usage(error.to_string()).hint("coworker trust set PEER TIER"))?;
        Ok((grant, expires))
    }
}
