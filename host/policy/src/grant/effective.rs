use serde::Serialize;

use super::{FileRule, GrantRules, Granted, HttpRule, PeerRule, SecretRule};
use crate::capability::{Capability, Grants};
use crate::tier::Tier;

/// The buckets of its state that a skill may open while it runs for a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateAccess {
    #[default]
    None,
    /// Only the bucket that is private to this caller.
    Caller,
    /// Also the bucket that all callers share.
    Both,
}

/// The capabilities of one call: imported ∩ granted ∩ tier, computed once. Empty means nothing is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    capabilities: Grants,
    state: StateAccess,
    http: Vec<HttpRule>,
    files: Vec<FileRule>,
    secrets: Vec<SecretRule>,
    llm: bool,
    peers: Vec<PeerRule>,
}

impl Effective {
    pub(crate) fn new(imported: &Grants, granted: &Granted, tier: Tier) -> Self {
        let open = |capability| is_open(imported, granted, capability);
        let mut effective = Self { state: state(granted, tier, open(Capability::State)), ..Self::default() };
        for grant in granted.grants().iter().filter(|grant| open(grant.capability())) {
            effective.add(&grant.rules, grant.from, tier);
        }
        // A secret is inserted into outgoing requests, so a call that cannot send any gets none.
        if effective.http.is_empty() {
            effective.secrets.clear();
        }
        effective.capabilities = effective.held(open);
        effective
    }

    fn add(&mut self, rules: &GrantRules, from: Option<Tier>, tier: Tier) {
        let reached = |capability: Capability| tier >= from.unwrap_or(capability.lowest_tier());
        match rules {
            GrantRules::Http(rules) if reached(Capability::Http) => join(&mut self.http, rules),
            GrantRules::Secrets(rules) if reached(Capability::Secrets) => join(&mut self.secrets, rules),
            GrantRules::Files(rules) => rules
                .iter()
                .filter_map(|rule| rule.for_tier(tier, from))
                .for_each(|rule| rule.join(&mut self.files)),
            GrantRules::Llm => self.llm |= reached(Capability::Llm),
            GrantRules::Peers(rules) if reached(Capability::Peers) => join(&mut self.peers, rules),
            GrantRules::State | GrantRules::Http(_) | GrantRules::Secrets(_) | GrantRules::Peers(_) => {}
        }
    }

    fn held(&self, open: impl Fn(Capability) -> bool) -> Grants {
        let held = |capability: &Capability| match capability {
            Capability::State => self.state > StateAccess::None,
            Capability::Http => !self.http.is_empty(),
            Capability::Files => !self.files.is_empty(),
            Capability::Secrets => !self.secrets.is_empty(),
            Capability::Llm => self.llm,
            Capability::Peers => !self.peers.is_empty(),
            always => open(*always),
        };
        Capability::ALL.into_iter().filter(held).collect()
    }

    pub fn contains(&self, capability: Capability) -> bool {
        self.capabilities.contains(capability)
    }

    pub fn state(&self) -> StateAccess {
        self.state
    }

    pub fn http(&self) -> &[HttpRule] {
        &self.http
    }

    pub fn files(&self) -> &[FileRule] {
        &self.files
    }

    pub fn secrets(&self) -> &[SecretRule] {
        &self.secrets
    }

    /// The skills of other agents that it may call.
    pub fn peers(&self) -> &[PeerRule] {
        &self.peers
    }

    fn lines(&self) -> Vec<String> {
        let plain = |c: &Capability| Capability::ALWAYS.contains(c);
        let mut lines: Vec<String> = self.capabilities.iter().filter(plain).map(|c| c.to_string()).collect();
        match self.state {
            StateAccess::None => {}
            StateAccess::Caller => lines.push("state caller".into()),
            StateAccess::Both => lines.push("state caller skill".into()),
        }
        lines.extend(self.http.iter().map(|rule| format!("http {rule}")));
        lines.extend(self.files.iter().map(|rule| format!("files {rule}")));
        lines.extend(self.secrets.iter().map(|rule| format!("secrets {rule}")));
        lines.extend(self.llm.then(|| "llm".to_owned()));
        lines.extend(self.peers.iter().map(|rule| format!("peers {rule}")));
        lines
    }
}

/// Whether a capability is imported and not denied. Two have no interface of their own: secrets need http, and assets
/// are read through the file system.
fn is_open(imported: &Grants, granted: &Granted, capability: Capability) -> bool {
    let through = match capability {
        Capability::Secrets => Capability::Http,
        Capability::Assets => Capability::Files,
        own => own,
    };
    imported.contains(through) && !granted.denied().contains(capability)
}

fn join<T: Clone + PartialEq>(held: &mut Vec<T>, rules: &[T]) {
    for rule in rules {
        if !held.contains(rule) {
            held.push(rule.clone());
        }
    }
}

/// State needs no grant from its lowest tier up; a grant changes that tier.
pub(super) fn state(granted: &Granted, tier: Tier, open: bool) -> StateAccess {
    let usual = Capability::State.lowest_tier();
    let grants = granted.grants().iter().filter(|grant| grant.rules == GrantRules::State);
    let from = grants.map(|grant| grant.from.unwrap_or(usual)).min().unwrap_or(usual);
    match tier {
        _ if !open || tier < from => StateAccess::None,
        Tier::Untrusted | Tier::Known => StateAccess::Caller,
        Tier::Internal | Tier::Privileged => StateAccess::Both,
    }
}

/// For the audit log: one line per capability and per argument.
impl Serialize for Effective {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.lines())
    }
}
