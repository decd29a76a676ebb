use std::collections::BTreeMap;
use std::sync::Arc;

use coworker_policy::{Capability, Digest, Grants, Listing, SchemaError, Skill, SkillName};
use coworker_sandbox::BadComponent;
use coworker_store::{Component, Installed, StoreError, Tx};

use crate::base::home::{Home, HomeError};
use crate::catalog::policies::Written;

/// The installed skills at one moment, in memory, because every call asks for them. The database and the policy
/// files hold the same and are changed first.
#[derive(Default)]
pub(crate) struct CatalogSnapshot {
    /// Grows with every snapshot of this process.
    generation: u64,
    skills: BTreeMap<SkillName, Arc<Skill>>,
    components: BTreeMap<Digest, Kept>,
}

/// A component, beside its skills.
struct Kept {
    imports: Grants,
    /// Shared by a component and those that it replaced.
    lineage: String,
    /// Values for its `wasi:config`.
    config: Arc<BTreeMap<String, String>>,
    written: Written,
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
    #[error("an installed component's private texts cannot be gathered")]
    Gather(#[source] tokio::task::JoinError),
    #[error("an installed component no longer loads")]
    Component(#[from] BadComponent),
}

impl CatalogSnapshot {
    /// Reads the catalog from the database. Reads the policy files of new components only: the others stay as
    /// they were `before`, or as they were read `anew`.
    pub(crate) fn read(
        home: &Home,
        tx: &Tx<'_>,
        before: &Self,
        mut anew: BTreeMap<Digest, Written>,
    ) -> Result<Self, CatalogError> {
        let mut lineages: BTreeMap<Digest, String> = tx.lineages()?.into_iter().collect();
        let kept = |component: Component| {
            let digest = component.digest;
            let known = || before.components.get(&digest).map(|kept| kept.written.clone());
            let written = anew.remove(&digest).or_else(known);
            let lineage = lineages.remove(&digest).unwrap_or_default();
            let written = written.unwrap_or_else(|| Written::read(home, digest));
            (digest, Kept::new(&component, lineage, written))
        };
        let components: BTreeMap<Digest, Kept> = tx.components()?.into_iter().map(kept).collect();
        let skill = |installed: Installed| -> Result<_, CatalogError> {
            let Installed { card, component } = installed;
            let kept = components.get(&component);
            let policy = kept.map(|kept| Arc::clone(&kept.written.policy)).unwrap_or_default();
            let imports = kept.map(|kept| kept.imports.clone()).unwrap_or_default();
            let listing = policy.listings.get(&card.name).copied().unwrap_or(Listing::Hidden);
            let terms = Arc::new(policy.terms.clone());
            let name = card.name.clone();
            Ok((name, Arc::new(Skill::new(card, component, imports, listing, terms)?)))
        };
        let skills = tx.installed()?.into_iter().map(skill).collect::<Result<_, _>>()?;
        Ok(Self { generation: before.generation + 1, skills, components })
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Skill>> {
        // An invalid name gets the same answer as one that is not installed.
        let name: SkillName = name.parse().ok()?;
        self.skills.get(&name)
    }

    pub(crate) fn skills(&self) -> impl Iterator<Item = &Arc<Skill>> {
        self.skills.values()
    }

    pub(crate) fn exposed(&self) -> usize {
        self.skills().filter(|skill| skill.listing() != Listing::Hidden).count()
    }

    /// The owner's values for a component.
    pub(crate) fn config(&self, component: Digest) -> Arc<BTreeMap<String, String>> {
        self.components.get(&component).map(|kept| Arc::clone(&kept.config)).unwrap_or_default()
    }

    /// The owner's policy for a component, as it is in force.
    pub(crate) fn written(&self, component: Digest) -> Written {
        self.components.get(&component).map(|kept| kept.written.clone()).unwrap_or_default()
    }

    pub(crate) fn components(&self) -> impl Iterator<Item = (Digest, &Written)> {
        self.components.iter().map(|(digest, kept)| (*digest, &kept.written))
    }

    /// The lineage of the component that has this skill; empty if there is none.
    pub(crate) fn lineage(&self, skill: &str) -> &str {
        let component = self.find(skill).and_then(|skill| self.components.get(&skill.component()));
        component.map(|kept| kept.lineage.as_str()).unwrap_or_default()
    }

    /// The components whose policy differs from `before`.
    pub(crate) fn edited_since(&self, before: &Self) -> Vec<Digest> {
        let same = |digest: &Digest, kept: &Kept| {
            let (old, new) = (before.components.get(digest).map(|old| &old.written), &kept.written);
            old.is_some_and(|old| old.policy == new.policy && old.broken == new.broken)
        };
        self.components
            .iter()
            .filter(|(digest, kept)| !same(digest, kept))
            .map(|(digest, _)| *digest)
            .collect()
    }

    /// The skills that allow some caller less than `before`: hidden, from a higher tier, or with other grants.
    pub(crate) fn narrowed_since(&self, before: &Self) -> Vec<SkillName> {
        let narrowed = |(name, old): (&SkillName, &Arc<Skill>)| match self.skills.get(name) {
            None => true,
            Some(new) => {
                new.component() != old.component()
                    || new.listing().takes_away_from(old.listing())
                    || new.terms().granted() != old.terms().granted()
            }
        };
        before.skills.iter().filter(|skill| narrowed(*skill)).map(|(name, _)| name.clone()).collect()
    }
}

impl Kept {
    fn new(component: &Component, lineage: String, written: Written) -> Self {
        let named = |import: &String| Capability::of_import(import);
        Self {
            imports: component.imports.iter().filter_map(named).collect(),
            config: Arc::new(written.policy.config.clone()),
            lineage,
            written,
        }
    }
}
