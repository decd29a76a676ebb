use std::sync::{Arc, Weak};

use coworker_policy::PeerId;

use crate::base::core::Core;
use crate::base::error::OpError;
use crate::catalog::installed::Catalog;
use crate::goals::ours::Goals;
use crate::groups::ours::Groups;
use crate::link::links::Links;
use crate::model::{LanguageModel, Model};
use crate::serve::calls::Calls;
use crate::state::StateActor;
use crate::trust::book::TrustBook;
use crate::trust::peer_names;

/// One agent, held by this process: the rooms together. Cheap to clone.
#[derive(Clone)]
pub struct Agent(Arc<Rooms>);

/// The rooms of an agent, lowest first. Nothing in here is reachable from outside this crate.
pub struct Rooms {
    pub(crate) core: Core,
    pub(crate) state: StateActor,
    pub(crate) trust: TrustBook,
    pub(crate) catalog: Catalog,
    pub(crate) links: Links,
    pub(crate) model: LanguageModel,
    pub(crate) calls: Calls,
    pub(crate) groups: Groups,
    pub(crate) goals: Goals,
}

/// An agent, for the parts of it that must not keep it alive.
pub(crate) struct WeakAgent(Weak<Rooms>);

impl std::ops::Deref for Agent {
    type Target = Rooms;

    fn deref(&self) -> &Rooms {
        &self.0
    }
}

impl Agent {
    pub(crate) fn of(rooms: Rooms) -> Self {
        Self(Arc::new(rooms))
    }

    pub fn peer_id(&self) -> PeerId {
        self.core.us
    }

    /// The owner's language model. Returns `None` if the owner chose none, or the chosen one cannot be used.
    pub fn model(&self) -> Option<&Model> {
        self.model.ready()
    }

    /// The one peer that `typed` means.
    pub(crate) async fn find_peer(&self, typed: &str) -> Result<PeerId, OpError> {
        peer_names::find(&self.state, typed).await
    }

    pub(crate) fn downgrade(&self) -> WeakAgent {
        WeakAgent(Arc::downgrade(&self.0))
    }
}

impl WeakAgent {
    pub(crate) fn upgrade(&self) -> Option<Agent> {
        self.0.upgrade().map(Agent)
    }
}
