use std::ops::Deref;
use std::sync::Arc;

use coworker_policy::gate::Caller;
use coworker_policy::{PeerId, Tier};
use tokio::sync::watch;

use crate::base::core::Core;
use crate::state::StateActor;
use crate::trust::running::Running;
use crate::trust::tiers::Tiers;

/// The owner's trust in peers, on disk, in memory and in force. Cheap to clone.
#[derive(Clone)]
pub(crate) struct TrustBook(Arc<Inner>);

pub(crate) struct Inner {
    pub(super) core: Core,
    pub(super) state: StateActor,
    pub(super) tiers: Tiers,
    pub(super) running: Arc<Running>,
    pub(super) changed: watch::Sender<()>,
}

impl TrustBook {
    pub(crate) fn new(core: &Core, state: &StateActor) -> Self {
        Self(Arc::new(Inner {
            core: core.clone(),
            state: state.clone(),
            tiers: Tiers::default(),
            running: Arc::new(Running::new(core.clock.clone())),
            changed: watch::Sender::new(()),
        }))
    }

    /// The peer's tier now.
    pub(crate) fn tier(&self, peer: PeerId) -> Tier {
        self.tiers.tier_at(peer, self.core.clock.now_ms())
    }

    /// The caller's tier now.
    pub(crate) fn tier_of(&self, caller: Caller) -> Tier {
        match caller {
            Caller::Peer(peer) => self.tier(peer),
            Caller::Owner => Tier::Privileged,
            Caller::OwnerAs(tier) => tier,
        }
    }

    /// The calls that wait or run now.
    pub(crate) fn running(&self) -> &Arc<Running> {
        &self.running
    }

    /// Reports each change of trust in any peer, once it is in force.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

impl Deref for TrustBook {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
