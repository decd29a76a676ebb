//! Changes of the catalog: the disk first, then the snapshot in memory, then the running calls.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use coworker_policy::{Digest, ErrorCode};
use coworker_sandbox::Sandbox;
use coworker_store::StoreError;

use crate::base::core::Core;
use crate::base::error::OpError;
use crate::catalog::policies::{self, Written, edit::EditError};
use crate::catalog::snapshot::{CatalogError, CatalogSnapshot};
use crate::state::{StateActor, StateError, Transaction};
use crate::trust::running::Running;

/// The installed skills. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Catalog(Arc<Inner>);

pub(crate) struct Inner {
    pub(super) core: Core,
    pub(super) state: StateActor,
    sandbox: Sandbox,
    running: Arc<Running>,
    snapshot: RwLock<Arc<CatalogSnapshot>>,
    /// Serialises changes, so that memory ends up as the last one left the disk.
    pub(super) changing: tokio::sync::Mutex<()>,
}

impl Catalog {
    pub(crate) fn new(
        core: &Core,
        state: &StateActor,
        sandbox: Sandbox,
        running: &Arc<Running>,
        snapshot: CatalogSnapshot,
    ) -> Self {
        Self(Arc::new(Inner {
            core: core.clone(),
            state: state.clone(),
            sandbox,
            running: Arc::clone(running),
            snapshot: RwLock::new(Arc::new(snapshot)),
            changing: tokio::sync::Mutex::default(),
        }))
    }

    pub(crate) fn snapshot(&self) -> Arc<CatalogSnapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs `change` on the database and, once it is on disk, puts the new catalog in force.
    pub(crate) async fn apply<T, F>(&self, change: F) -> Result<T, OpError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, StateError> + Send + 'static,
    {
        let _one = self.changing.lock().await;
        self.reload(BTreeMap::new(), change).await
    }

    /// Changes a component's policy file, writes the decision to the audit log by `note`, and puts it in force.
    pub(crate) async fn decide(
        &self,
        component: Digest,
        change: impl FnOnce(&str) -> Result<String, EditError> + Send,
        note: impl FnOnce(&mut Transaction<'_>) -> Result<(), StateError> + Send + 'static,
    ) -> Result<(), OpError> {
        let _one = self.changing.lock().await;
        let in_force = self.snapshot().written(component);
        let written = policies::change(&self.core.home, component, &in_force, change).await?;
        self.reload(BTreeMap::from([(component, written)]), note).await
    }

    /// Reads the catalog again after `change`, with the policy files in `anew` as they are there. The other policy
    /// files stay as they were read: an edit of one is taken up once it is no longer being written to.
    pub(super) async fn reload<T, F>(&self, anew: BTreeMap<Digest, Written>, change: F) -> Result<T, OpError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, StateError> + Send + 'static,
    {
        let (core, before) = (self.core.clone(), self.snapshot());
        let changed = self.state.run(move |tx| {
            let answer = change(tx)?;
            Ok((answer, CatalogSnapshot::read(&core.home, tx.store, &before, anew)))
        });
        let (answer, snapshot) = changed.await.map_err(skill_taken)?;
        self.put_in_force(snapshot?);
        Ok(answer)
    }

    /// Replaces the snapshot before it stops calls of the skills that lost something.
    fn put_in_force(&self, snapshot: CatalogSnapshot) {
        let after = Arc::new(snapshot);
        let before = {
            let mut place = self.snapshot.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *place, Arc::clone(&after))
        };
        for skill in after.narrowed_since(&before) {
            self.running.revoke_skill(skill.as_str());
        }
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Makes sure that the sandbox has the component ready. The file must still be the one that the owner agreed
    /// to.
    pub(crate) async fn make_ready(&self, component: Digest) -> Result<(), CatalogError> {
        if self.sandbox.is_loaded(component) {
            return Ok(());
        }
        let wasm = self.core.home.read_component(component).await?;
        if Digest::of(&wasm) != component {
            return Err(CatalogError::Changed(component));
        }
        self.sandbox.load(wasm.into()).await?;
        Ok(())
    }

    /// Drops a component that is no longer installed.
    pub(crate) async fn discard(&self, component: Digest) {
        self.sandbox.unload(component);
        self.core.home.discard_component(component).await;
    }
}

impl Deref for Catalog {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

fn skill_taken(error: StateError) -> OpError {
    match error {
        StateError::Store(StoreError::SkillTaken { skill, digest }) => OpError::new(
            ErrorCode::BadComponent,
            format!("a skill named `{skill}` is already installed (component {digest})"),
        )
        .suggest("remove it first", ["skill".to_owned(), "remove".to_owned(), skill.to_string()]),
        other => other.into(),
    }
}

impl From<CatalogError> for OpError {
    fn from(error: CatalogError) -> Self {
        Self::fault(&error)
    }
}
