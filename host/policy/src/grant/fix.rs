use super::{FileRule, Grant, Granted, HttpRule, PeerRule, StateAccess, What, effective};
use crate::capability::Capability;
use crate::text::Text;
use crate::tier::Tier;

/// What the owner could do so that a call has what it was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Grant it; with a tier where the capability's own lowest one is above the caller's.
    Grant { from: Option<Tier> },
    /// Take the deny out of `policy.toml`, by hand: it beats every grant.
    TakeOutDeny,
    /// Nothing in the component's policy: only callers from this tier up have it.
    Trust(Tier),
    /// No rule says exactly this.
    Nothing,
}

impl Granted {
    /// What nobody has without a grant.
    const NEEDED: [Capability; 5] =
        [Capability::Http, Capability::Files, Capability::Secrets, Capability::Llm, Capability::Peers];

    /// `what` is the argument of a grant, as a guest's request made it; a guest may have picked the words.
    pub fn fix(&self, capability: Capability, what: &str, tier: Tier) -> Fix {
        let denied = self.denied.contains(capability);
        match capability {
            Capability::State => self.fix_state(tier, denied),
            own if Self::NEEDED.contains(&own) && denied => Fix::TakeOutDeny,
            own if Self::NEEDED.contains(&own) => granting(capability, what, tier),
            _ if denied => Fix::Grant { from: None },
            _ => Fix::Nothing,
        }
    }

    fn fix_state(&self, tier: Tier, denied: bool) -> Fix {
        match effective::state(self, tier, !denied) {
            StateAccess::None if tier < Capability::State.lowest_tier() => Fix::Grant { from: Some(tier) },
            StateAccess::None => Fix::Grant { from: None },
            // It was the bucket that all callers share.
            StateAccess::Caller => Fix::Trust(Tier::Internal),
            StateAccess::Both => Fix::Nothing,
        }
    }
}

fn granting(capability: Capability, what: &str, tier: Tier) -> Fix {
    let reaches = |from| {
        // A name that was cut off is another name.
        let whole = what.len() + char::MAX.len_utf8() <= Text::MAX;
        let to: Vec<String> = (capability != Capability::Llm).then(|| what.to_owned()).into_iter().collect();
        let grant = Grant::new(capability, &to, from).ok().filter(|_| whole)?;
        (grant.what.is_exact()).then(|| grant.what.is_whole_for(tier, from))
    };
    match (reaches(None), reaches(Some(tier))) {
        (Some(true), _) => Fix::Grant { from: None },
        (_, Some(true)) => Fix::Grant { from: Some(tier) },
        _ => Fix::Nothing,
    }
}

impl What {
    /// A guest's own `*` must not become the owner's.
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
