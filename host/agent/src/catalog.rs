use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use coworker_policy::{Capability, Digest, Grants, Listing, SchemaError, Skill, SkillName};
use coworker_sandbox::{BadComponent, Sandbox};
use coworker_store::{Component, Installed, StoreError, Tx};

use crate::home::{Home, HomeError};

/// The installed skills, in memory: asked at every call. The database holds the same and is changed first.
#[derive(Default)]
pub(crate) struct Catalog(RwLock<Arc<Shelf>>);

#[derive(Default)]
pub(crate) struct Shelf {
    skills: BTreeMap<SkillName, Arc<Skill>>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CatalogError {
    #[error("the agent's database failed")]
    Store(#[from] StoreError),
    #[error("an installed skill's schema no longer compiles")]
    Schema(#[from] SchemaError),
    #[error("an installed component cannot be read")]
    Home(#[from] HomeError),
    #[error("the component {0} was changed on disk")]
    Changed(Digest),
    #[error("an installed component no longer loads")]
    Component(#[from] BadComponent),
}

impl Shelf {
    /// Reads the shelf as the database has it.
    pub(crate) fn read(tx: &Tx<'_>) -> Result<Self, CatalogError> {
        let imports: BTreeMap<Digest, Grants> = tx
            .components()?
            .into_iter()
            .map(|component| (component.digest, capabilities(&component)))
            .collect();
        let skill = |installed: Installed| -> Result<_, CatalogError> {
            let imports = imports.get(&installed.component).cloned().unwrap_or_default();
            let name = installed.card.name.clone();
            let skill = Skill::new(installed.card, installed.component, imports, installed.listing, Arc::default())?;
            Ok((name, Arc::new(skill)))
        };
        Ok(Self { skills: tx.installed()?.into_iter().map(skill).collect::<Result<_, _>>()? })
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Skill>> {
        // What is no skill's name is in no catalog; the answer is the same.
        let name: SkillName = name.parse().ok()?;
        self.skills.get(&name)
    }

    pub(crate) fn skills(&self) -> impl Iterator<Item = &Arc<Skill>> {
        self.skills.values()
    }

    pub(crate) fn exposed(&self) -> usize {
        self.skills().filter(|skill| skill.listing() != Listing::Hidden).count()
    }
}

fn capabilities(component: &Component) -> Grants {
    let named = |import: &String| Capability::of_import(import);
    component.imports.iter().filter_map(named).collect()
}

impl Catalog {
    pub(crate) fn new(shelf: Shelf) -> Self {
        Self(RwLock::new(Arc::new(shelf)))
    }

    pub(crate) fn shelf(&self) -> Arc<Shelf> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, shelf: Shelf) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shelf);
    }
}

/// Makes sure that the sandbox has the component ready. The file must still be what the owner agreed to.
pub(crate) async fn make_ready(home: &Home, sandbox: &Sandbox, digest: Digest) -> Result<(), CatalogError> {
    if sandbox.is_loaded(digest) {
        return Ok(());
    }
    let wasm = home.read_component(digest).await?;
    if Digest::of(&wasm) != digest {
        return Err(CatalogError::Changed(digest));
    }
    sandbox.load(wasm.into()).await?;
    Ok(())
}
