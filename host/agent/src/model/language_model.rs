use std::ops::Deref;
use std::sync::Arc;

use super::chosen::Model;
use super::setup::Setup;
use crate::base::core::Core;
use crate::state::StateActor;

/// The owner's language model, and the records of its use. Cheap to clone.
#[derive(Clone)]
pub(crate) struct LanguageModel(Arc<Inner>);

pub(crate) struct Inner {
    pub(super) core: Core,
    pub(super) state: StateActor,
    setup: Setup,
}

impl LanguageModel {
    pub(crate) fn new(core: &Core, state: &StateActor) -> Self {
        let setup = Setup::of(&core.home, core.config.llm.as_ref());
        Self(Arc::new(Inner { core: core.clone(), state: state.clone(), setup }))
    }
}

impl Inner {
    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Returns `None` if the owner chose no model, or the chosen one cannot be used.
    pub(crate) fn ready(&self) -> Option<&Model> {
        self.setup.ready()
    }
}

impl Deref for LanguageModel {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
