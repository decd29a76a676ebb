//! Peers that are granted: what is written into a policy is the peer itself, not what it calls itself.

use coworker_policy::PeerRule;

use crate::agent::Agent;
use crate::base::error::OpError;

/// The rules with the ids of the peers that they name. Text that is not a rule stays as it is; the parser refuses it later.
pub(super) async fn resolve(agent: &Agent, rules: Vec<String>) -> Result<Vec<String>, OpError> {
    let mut resolved = Vec::new();
    for rule in rules {
        resolved.push(one(agent, rule).await?);
    }
    Ok(resolved)
}

pub(super) async fn one(agent: &Agent, rule: String) -> Result<String, OpError> {
    if rule.parse::<PeerRule>().is_ok() {
        return Ok(rule);
    }
    // A peer's name may have a slash in it, a skill's never.
    match rule.rsplit_once('/') {
        Some((peer, skill)) if !peer.trim().is_empty() => {
            Ok(format!("{}/{skill}", agent.find_peer(peer.trim()).await?))
        }
        _ => Ok(rule),
    }
}
