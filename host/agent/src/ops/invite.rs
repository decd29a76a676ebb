use std::time::Duration;

use coworker_policy::{AgentName, ErrorCode, PeerId};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::config::Mode;
use crate::error::OpError;
use crate::invite::Invite;

/// Makes the code that others connect with. The same every time; share it with anybody.
#[derive(Debug, Serialize, Deserialize)]
pub struct Invitation {
    /// Put this agent's addresses into the code: for networks where it cannot be found otherwise.
    pub with_addresses: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Invited {
    pub code: String,
    pub name: AgentName,
    pub id: PeerId,
    pub relay: Option<String>,
    pub addresses: Vec<String>,
}

/// How long a public agent may take to choose its relay.
const CHOICE: Duration = Duration::from_secs(5);

/// The relay at which this agent can be met. With several to choose from, the network measures first.
async fn relay(agent: &Agent) -> Result<Option<String>, OpError> {
    let relays = &agent.config.network.relays;
    if relays.len() < 2 {
        return Ok(relays.first().cloned());
    }
    let network = agent.network().await?;
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
        let listening = self.with_addresses && agent.config.network.mode == Mode::Local;
        let addresses = if listening { agent.network().await?.addresses() } else { Vec::new() };
        let invite =
            Invite { name: agent.config.name.clone(), peer: agent.us, relay: relay(agent).await?, addresses };
        Ok(Invited {
            code: invite.to_string(),
            name: invite.name,
            id: invite.peer,
            relay: invite.relay,
            addresses: invite.addresses.iter().map(ToString::to_string).collect(),
        })
    }
}
