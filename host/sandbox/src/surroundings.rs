use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// What stands around one call, beside its permit: what ends it early and what the owner keeps for it.
#[derive(Clone)]
pub struct Surroundings {
    /// Cancelled when the caller, the owner or a revocation ends the call.
    pub stop: CancellationToken,
    pub secrets: Arc<dyn Secrets>,
}

impl Surroundings {
    /// Nothing but the means to end the call.
    pub fn bare(stop: CancellationToken) -> Self {
        Self { stop, secrets: Arc::new(NoSecrets) }
    }
}

impl Default for Surroundings {
    fn default() -> Self {
        Self::bare(CancellationToken::new())
    }
}

/// The owner's secrets for one component, by name. Only the egress guard reads them.
pub trait Secrets: Send + Sync {
    fn value(&self, name: &str) -> Option<Zeroizing<String>>;
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn value(&self, _: &str) -> Option<Zeroizing<String>> {
        None
    }
}
