use std::ops::Deref;
use std::sync::{Arc, Mutex};

use coworker_channel::Identity;
use tokio::sync::Semaphore;

use crate::base::core::Core;
use crate::catalog::installed::Catalog;
use crate::link::links::Links;
use crate::model::LanguageModel;
use crate::serve::denials::Denials;
use crate::serve::leaks::Leaks;
use crate::serve::on_served::OnServed;
use crate::state::StateActor;
use crate::trust::book::TrustBook;

/// Calls that run at once, of all callers: each holds a slot of the sandbox's pool.
const SLOTS: usize = 32;

/// The calls that this agent serves. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Calls(Arc<Inner>);

pub(crate) struct Inner {
    pub(super) core: Core,
    pub(super) identity: Arc<Identity>,
    pub(super) state: StateActor,
    pub(super) trust: TrustBook,
    pub(super) catalog: Catalog,
    pub(super) links: Links,
    pub(super) model: LanguageModel,
    pub(super) leaks: Leaks,
    pub(super) denials: Mutex<Denials>,
    pub(super) slots: Arc<Semaphore>,
    pub(super) on_served: Arc<dyn OnServed>,
}

/// The rooms that serving a call needs.
pub(crate) struct CallParts {
    pub(crate) core: Core,
    pub(crate) identity: Arc<Identity>,
    pub(crate) state: StateActor,
    pub(crate) trust: TrustBook,
    pub(crate) catalog: Catalog,
    pub(crate) links: Links,
    pub(crate) model: LanguageModel,
    pub(crate) on_served: Arc<dyn OnServed>,
}

impl Calls {
    pub(crate) fn new(parts: CallParts) -> Self {
        let CallParts { core, identity, state, trust, catalog, links, model, on_served } = parts;
        let leaks = Leaks::new(&core, &state);
        let (denials, slots) = (Mutex::default(), Arc::new(Semaphore::new(SLOTS)));
        let inner =
            Inner { core, identity, state, trust, catalog, links, model, leaks, denials, slots, on_served };
        Self(Arc::new(inner))
    }
}

impl Inner {
    pub(crate) fn leaks(&self) -> &Leaks {
        &self.leaks
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }
}

impl Deref for Calls {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
