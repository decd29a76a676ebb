use std::collections::HashSet;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use coworker_policy::RequestId;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::base::core::Core;
use crate::catalog::installed::Catalog;
use crate::groups::ours::Groups;
use crate::link::links::Links;
use crate::model::LanguageModel;
use crate::serve::calls::Calls;
use crate::state::{StateActor, Transaction};
use crate::trust::book::TrustBook;

/// The goals that this agent works on, its own and those of peers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Goals(Arc<Inner>);

pub(crate) struct Inner {
    pub(super) core: Core,
    pub(super) state: StateActor,
    pub(super) trust: TrustBook,
    pub(super) catalog: Catalog,
    pub(super) links: Links,
    pub(super) model: LanguageModel,
    pub(super) calls: Calls,
    pub(super) groups: Groups,
    pub(super) news: GoalNews,
    /// Goals that a task of this process carries on.
    driven: Mutex<HashSet<RequestId>>,
}

/// The rooms that goals need.
pub(crate) struct GoalParts {
    pub(crate) core: Core,
    pub(crate) state: StateActor,
    pub(crate) trust: TrustBook,
    pub(crate) catalog: Catalog,
    pub(crate) links: Links,
    pub(crate) model: LanguageModel,
    pub(crate) calls: Calls,
    pub(crate) groups: Groups,
    pub(crate) news: GoalNews,
}

/// Wakes the tasks that wait for a change of a goal. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct GoalNews(Arc<Waiters>);

#[derive(Default)]
struct Waiters {
    drivers: Notify,
    watchers: Notify,
}

impl Goals {
    pub(crate) fn new(parts: GoalParts) -> Self {
        let GoalParts { core, state, trust, catalog, links, model, calls, groups, news } = parts;
        let driven = Mutex::default();
        Self(Arc::new(Inner { core, state, trust, catalog, links, model, calls, groups, news, driven }))
    }
}

impl Inner {
    pub(super) fn driven(&self) -> std::sync::MutexGuard<'_, HashSet<RequestId>> {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes when a goal changes, from now on.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.news.0.watchers.notified()
    }
}

impl GoalNews {
    /// Completes when there is something to do for a goal, from now on.
    pub(super) fn next(&self) -> Notified<'_> {
        self.0.drivers.notified()
    }

    /// Wakes the drivers and watchers of goals once the transaction is on disk.
    pub(super) fn wake(&self, tx: &mut Transaction<'_>) {
        let news = self.clone();
        tx.once_committed(move || {
            news.0.drivers.notify_waiters();
            news.0.watchers.notify_waiters();
        });
    }
}

impl Deref for Goals {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
