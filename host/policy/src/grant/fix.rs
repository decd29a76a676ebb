use super::{FileRule, Grant, GrantRules, Granted, HttpRule, PeerRule, StateAccess, effective};
use crate::capability::Capability;
use crate::text::Text;
use crate::tier::Tier;

/// The way to give a call a capability that it was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Grant it, with a tier if the capability's lowest tier is above the caller's.
    Grant { from: Option<Tier> },
    /// Remove the deny from `policy.toml` by hand. It overrides every grant.
    TakeOutDeny,
    /// Raise the caller's tier. The component's policy cannot help: only callers from this tier up have it.
    Trust(Tier),
    /// No rule allows exactly this.
    Nothing,
}

impl Granted {
    /// Capabilities that no caller has without a grant.
    const NEEDED: [Capability; 5] =
        [Capability::Http, Capability::Files, Capability::Secrets, Capability::Llm, Capability::Peers];

    /// Finds the fix for a denial. `rule` is the argument of a grant, and a guest can have chosen its words.
    pub fn fix(&self, capability: Capability, rule: &str, tier: Tier) -> Fix {
        let denied = self.denied.contains(capability);
        match capability {
            Capability::State => self.fix_state(tier, denied),
            own if Self::NEEDED.contains(&own) && denied => Fix::TakeOutDeny,
            own if Self::NEEDED.contains(&own) => granting(capability, rule, tier),
            _ if denied => Fix::Grant { from: None },
            _ => Fix::Nothing,
        }
    }

    fn fix_state(&self, tier: Tier, denied: bool) -> Fix {
        match effective::state(self, tier, !denied) {
            StateAccess::None if tier < Capability::State.lowest_tier() => Fix::Grant { from: Some(tier) },
            StateAccess::None => Fix::Grant { from: None },
            // The call needed the bucket that all callers share.
            StateAccess::Caller => Fix::Trust(Tier::Internal),
            StateAccess::Both => Fix::Nothing,
        }
    }
}

fn granting(capability: Capability, rule: &str, tier: Tier) -> Fix {
    let reaches = |from| {
        // A rule that was cut off is another rule.
        let whole = rule.len() + char::MAX.len_utf8() <= Text::MAX;
        let to: Vec<String> = (capability != Capability::Llm).then(|| rule.to_owned()).into_iter().collect();
        let grant = Grant::new(capability, &to, from).ok().filter(|_| whole)?;
        (grant.rules.is_exact()).then(|| grant.rules.is_whole_for(tier, from))
    };
    match (reaches(None), reaches(Some(tier))) {
        (Some(true), _) => Fix::Grant { from: None },
        (_, Some(true)) => Fix::Grant { from: Some(tier) },
        _ => Fix::Nothing,
    }
}

impl GrantRules {
    /// A wildcard that a guest wrote must not become the owner's.
    fn is_exact(&self) -> bool {
        match self {
            Self::Http(rules) => rules.iter().all(HttpRule::is_exact),
            Self::Peers(rules) => rules.iter().all(PeerRule::is_exact),
            Self::State | Self::Files(_) | Self::Secrets(_) | Self::Llm => true,
        }
    }

    fn is_whole_for(&self, tier: Tier, from: Option<Tier>) -> bool {
        let whole = |rule: &FileRule| rule.for_tier(tier, from).as_ref() == Some(rule);
        match self {
            Self::Files(rules) => rules.iter().all(whole),
            other => tier >= from.unwrap_or(other.capability().lowest_tier()),
        }
    }
}
