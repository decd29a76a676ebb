use coworker_policy::{AgentName, PeerId};
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

impl Operation for Invitation {
    type Answer = Invited;

    async fn run(self, agent: &Agent) -> Result<Invited, OpError> {
        let listening = self.with_addresses && agent.config.network.mode == Mode::Local;
        let addresses = if listening { agent.network().await?.addresses() } else { Vec::new() };
        let invite = Invite {
            name: agent.config.name.clone(),
            peer: agent.us,
            relay: agent.config.network.relays.first().cloned(),
            addresses,
        };
        Ok(Invited {
            code: invite.to_string(),
            name: invite.name,
            id: invite.peer,
            relay: invite.relay,
            addresses: invite.addresses.iter().map(ToString::to_string).collect(),
        })
    }
}
