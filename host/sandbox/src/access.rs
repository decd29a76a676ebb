use std::sync::{Arc, Mutex, PoisonError};

use coworker_policy::{Capability, Effective, Text};

use crate::outcome::Denied;

/// The grants of one call, and the denials so far. Every host function of ours starts with [`enter`](Self::enter).
pub(crate) struct Access {
    pub(crate) grants: Effective,
    pub(crate) denials: Denials,
}

impl Access {
    pub(crate) fn new(grants: Effective) -> Self {
        Self { grants, denials: Denials::default() }
    }

    /// Returns whether this call holds the capability. Yields to other tasks now and then, since host calls
    /// burn no fuel.
    pub(crate) async fn enter(&self, capability: Capability) -> bool {
        tokio::task::consume_budget().await;
        self.grants.contains(capability)
    }

    /// Notes a denial for the owner. `argument` is the argument of a grant that would allow it.
    pub(crate) fn deny(&self, capability: Capability, argument: &str) {
        self.denials.note(capability, argument);
    }
}

/// The denials of one call, shared by everything that can deny.
#[derive(Clone, Default)]
pub(crate) struct Denials(Arc<Mutex<Vec<Denied>>>);

impl Denials {
    /// A guest picks the words of a denial, so the number of different ones is bounded.
    const MAX: usize = 16;

    pub(crate) fn note(&self, capability: Capability, argument: &str) {
        let denied = Denied { capability, what: Text::sanitized(argument).to_string() };
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < Self::MAX && !noted.contains(&denied) {
            noted.push(denied);
        }
    }

    pub(crate) fn list(&self) -> Vec<Denied> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
