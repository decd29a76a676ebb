use std::collections::BTreeMap;

use coworker_api::ops::{PolicyView, SkillConfigure, SkillGrant, SkillGranted, SkillPolicy, SkillRevoke};
use coworker_policy::{Capability, Digest, ErrorCode, Tier};
use serde_json::json;

use super::Run;
use super::folder;
use super::peer_rule;
use super::skill_list::unknown;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::catalog::policies::edit::{self, EditError};
use crate::state::Transaction;
use crate::state::audit;

impl Run for SkillGrant {
    async fn run_observed(mut self, agent: &Agent, _: &CallObserver) -> Result<SkillGranted, OpError> {
        let (component, imported) = component(agent, &self.name)?;
        if !imported.contains(&needed(self.capability)) {
            return Err(OpError::new(
                ErrorCode::Usage,
                format!("`{}` does not import {}, so it could never use it", self.name, self.capability),
            )
            .suggest(
                "see what it can ask for",
                ["skill".to_owned(), "inspect".to_owned(), self.name.clone()],
            ));
        }
        let mut resolved = Vec::new();
        if self.capability == Capability::Files {
            (self.to, resolved) = folder::resolve(self.to).await?;
        }
        if self.capability == Capability::Peers {
            self.to = peer_rule::resolve(agent, self.to).await?;
        }
        let detail = json!({ "component": component, "capability": self.capability, "to": self.to, "from": self.from });
        let change = |text: &str| edit::add_grant(text, self.capability, &self.to, self.from);
        let policy = decide(agent, &self.name, component, "skill_granted", detail, change).await?;
        Ok(SkillGranted { policy, resolved })
    }
}

/// A secret is worth something only in a web request, and is no import of its own.
fn needed(capability: Capability) -> Capability {
    if capability == Capability::Secrets { Capability::Http } else { capability }
}

impl Run for SkillRevoke {
    async fn run_observed(mut self, agent: &Agent, _: &CallObserver) -> Result<PolicyView, OpError> {
        let (component, _) = component(agent, &self.name)?;
        if let Some(rule) = self.to.take_if(|_| self.capability == Capability::Peers) {
            self.to = Some(peer_rule::one(agent, rule).await?);
        }
        let detail = json!({ "component": component, "capability": self.capability, "to": self.to });
        // Whoever granted a folder by a link may name it so again; the folder itself may be gone by now.
        let really = match &self.to {
            Some(rule) if self.capability == Capability::Files => folder::real(rule).await,
            _ => None,
        };
        let revoke = |text: &str, to: Option<&str>| edit::revoke(text, self.capability, to);
        let change = |text: &str| match (revoke(text, self.to.as_deref()), &really) {
            (Err(EditError::NotGranted { .. }), Some(really)) => revoke(text, Some(really)),
            (revoked, _) => revoked,
        };
        decide(agent, &self.name, component, "skill_revoked", detail, change).await
    }
}

impl Run for SkillConfigure {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<PolicyView, OpError> {
        match self {
            Self::Secret { name, secret, value } => {
                let (component, _) = component(agent, &name)?;
                keep_secret(agent, &name, component, secret, value).await?;
                view(agent, &name, component)
            }
            Self::Value { name, key, value } => {
                let (component, _) = component(agent, &name)?;
                // The value may be private; that it was set is not.
                let detail = json!({ "component": component, "key": key });
                let change = |text: &str| edit::set_config(text, &key, value.as_deref());
                decide(agent, &name, component, "skill_configured", detail, change).await
            }
            Self::Limit { name, tier, key, value } => {
                let (component, _) = component(agent, &name)?;
                let detail = json!({ "component": component, "tier": tier, "limit": key, "value": value });
                let change = |text: &str| edit::set_limit(text, tier, &key, value);
                decide(agent, &name, component, "skill_limited", detail, change).await
            }
            Self::Leaks { name, leaks } => {
                let (component, _) = component(agent, name.as_str())?;
                let detail = json!({ "component": component, "leaks": leaks });
                let change = |text: &str| edit::set_leaks(text, &name, leaks);
                decide(agent, name.as_str(), component, "skill_leaks", detail, change).await
            }
        }
    }
}

/// Longest secret, in bytes: it has to fit a header.
const MAX_SECRET: usize = 8 * 1024;

async fn keep_secret(
    agent: &Agent,
    name: &str,
    component: Digest,
    secret: String,
    value: Option<String>,
) -> Result<(), OpError> {
    let fits = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if secret.is_empty() || secret.len() > 64 || !secret.bytes().all(fits) {
        return Err(OpError::new(ErrorCode::Usage, "a secret's name has 1 to 64 of A-Z, 0-9 and _"));
    }
    if value.as_ref().is_some_and(|value| value.len() > MAX_SECRET || value.contains(['\r', '\n', '\0'])) {
        return Err(OpError::new(ErrorCode::Usage, "a secret is one line of at most 8 KiB"));
    }
    let skill = name.to_owned();
    let keep = move |tx: &mut Transaction<'_>| {
        tx.store.set_skill_secret(component, &secret, value.as_deref())?;
        let detail = json!({ "component": component, "secret": secret, "set": value.is_some() });
        audit::skill_changed(tx, "skill_secret", &skill, &detail)
    };
    Ok(agent.state.run(keep).await?)
}

impl Run for SkillPolicy {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<PolicyView, OpError> {
        let (component, _) = component(agent, &self.name)?;
        view(agent, &self.name, component)
    }
}

fn component(agent: &Agent, name: &str) -> Result<(Digest, Vec<Capability>), OpError> {
    let snapshot = agent.catalog.snapshot();
    let skill = snapshot.find(name).ok_or_else(|| unknown(name))?;
    Ok((skill.component(), skill.imports().iter().collect()))
}

async fn decide(
    agent: &Agent,
    name: &str,
    component: Digest,
    event: &'static str,
    detail: serde_json::Value,
    change: impl FnOnce(&str) -> Result<String, EditError> + Send,
) -> Result<PolicyView, OpError> {
    let skill = name.to_owned();
    let note = move |tx: &mut Transaction<'_>| audit::skill_changed(tx, event, &skill, &detail);
    agent.catalog.decide(component, change, note).await?;
    view(agent, name, component)
}

pub(super) fn view(agent: &Agent, name: &str, component: Digest) -> Result<PolicyView, OpError> {
    let snapshot = agent.catalog.snapshot();
    let skill = snapshot.find(name).ok_or_else(|| unknown(name))?;
    let (written, terms) = (snapshot.written(component), skill.terms());
    let grants = terms.granted().grants();
    let moved = |tier| {
        let moved = terms.changed_limits(tier).into_iter().map(|(key, value)| (key.to_owned(), value));
        (tier, moved.collect::<BTreeMap<_, _>>())
    };
    Ok(PolicyView {
        component,
        path: agent.core.home.policy(component),
        grants: grants.iter().map(ToString::to_string).collect(),
        private: grants.iter().filter(|grant| grant.allows_private()).map(ToString::to_string).collect(),
        denied: terms.granted().denied().clone(),
        limits: Tier::ALL.into_iter().map(moved).filter(|(_, moved)| !moved.is_empty()).collect(),
        leaks: terms.leak_modes().clone(),
        config: written.policy.config.clone(),
        broken: written.broken,
    })
}
