use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coworker_policy::PeerId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use crate::base::clock::Clock;
use crate::base::config::Config;
use crate::base::home::Home;

/// The parts of an agent that every room uses. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Core(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) us: PeerId,
    pub(crate) home: Home,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    /// Every task of the agent; closing the agent waits for them.
    pub(crate) tasks: TaskTracker,
    /// Cancelled when the agent closes.
    pub(crate) stop: CancellationToken,
    seed: Zeroizing<[u8; 32]>,
    serving: AtomicBool,
}

/// A key that is derived from the identity's seed, one for each purpose.
#[derive(Clone, Copy)]
pub(crate) enum KeyFor {
    CompiledCode,
    DirectEndpoint,
    LeakGuard,
    Pseudonyms,
}

impl KeyFor {
    /// Part of the derivation: a changed label is another key.
    const fn label(self) -> &'static str {
        match self {
            Self::CompiledCode => "coworker 2026-11 compiled-code cache",
            Self::DirectEndpoint => "coworker 2026-11 direct door",
            Self::LeakGuard => "coworker 2026-11 leak guard",
            Self::Pseudonyms => "coworker 2026-11 caller pseudonyms",
        }
    }
}

impl Core {
    pub(crate) fn new(us: PeerId, home: Home, config: Config, seed: [u8; 32]) -> Self {
        Self(Arc::new(Shared {
            us,
            clock: home.clock(),
            home,
            config,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            seed: Zeroizing::new(seed),
            serving: AtomicBool::new(false),
        }))
    }
}

impl Shared {
    pub(crate) fn key(&self, purpose: KeyFor) -> [u8; 32] {
        blake3::derive_key(purpose.label(), &*self.seed)
    }

    /// The seed of the identity key, for the network's endpoint.
    pub(crate) fn seed(&self) -> [u8; 32] {
        *self.seed
    }

    /// True if this process stays to deliver mail. A command that holds the agent itself ends at once.
    pub(crate) fn serves(&self) -> bool {
        self.serving.load(Ordering::Relaxed)
    }

    pub(crate) fn set_serving(&self) {
        self.serving.store(true, Ordering::Relaxed);
    }
}

impl Deref for Core {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
