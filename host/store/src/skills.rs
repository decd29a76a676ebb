use coworker_policy::{Card, Digest};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, list, saturated};
use crate::store::Tx;

/// An installed `.wasm` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    pub digest: Digest,
    /// The file's name as the owner gave it. Private.
    pub origin: String,
    /// Size of the file in bytes.
    pub size: u64,
    /// Capabilities that the component imports.
    pub imports: Vec<String>,
    pub added_ms: i64,
}

/// An installed skill.
#[derive(Clone, Debug, PartialEq)]
pub struct Installed {
    pub card: Card,
    pub component: Digest,
}

impl Tx<'_> {
    /// Installs a component and its skills, or updates them if the component is installed already. Fails with
    /// [`StoreError::SkillTaken`] if another component provides a skill of the same name.
    pub fn add_component(&self, component: &Component, cards: &[Card]) -> Result<(), StoreError> {
        self.put_component(component)?;
        self.forget_skills_except(component.digest, cards)?;
        cards.iter().try_for_each(|card| self.add_skill(component.digest, card))
    }

    /// Replaces `old` by `new`, which takes over the state and the secrets of `old`.
    pub fn replace_component(&self, old: Digest, new: &Component, cards: &[Card]) -> Result<(), StoreError> {
        self.put_component(new)?;
        self.move_state(old, new.digest)?;
        self.move_skill_secrets(old, new.digest)?;
        self.run(
            "UPDATE components SET lineage = (SELECT lineage FROM components WHERE digest = ?1)
             WHERE digest = ?2 AND EXISTS (SELECT 1 FROM components WHERE digest = ?1)",
            params![old.to_string(), new.digest.to_string()],
        )?;
        self.remove_component(old)?;
        cards.iter().try_for_each(|card| self.add_skill(new.digest, card))
    }

    fn put_component(&self, component: &Component) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO components (digest, origin, size, imports, added_ms, lineage)
             VALUES (?1, ?2, ?3, ?4, ?5, lower(hex(randomblob(16))))
             ON CONFLICT (digest) DO UPDATE SET
                 origin = excluded.origin, size = excluded.size, imports = excluded.imports",
            params![
                component.digest.to_string(),
                component.origin,
                saturated(component.size),
                list(&component.imports),
                component.added_ms,
            ],
        )?;
        Ok(())
    }

    fn forget_skills_except(&self, component: Digest, cards: &[Card]) -> Result<(), StoreError> {
        let names: Vec<String> = cards.iter().map(|card| card.name.to_string()).collect();
        self.run(
            "DELETE FROM skills WHERE component = ?1 AND name NOT IN (SELECT value FROM json_each(?2))",
            params![component.to_string(), list(&names)],
        )?;
        Ok(())
    }

    fn add_skill(&self, component: Digest, card: &Card) -> Result<(), StoreError> {
        let name = card.name.as_str();
        let owner = "SELECT component FROM skills WHERE name = ?1 AND component <> ?2";
        let taken = self.one(owner, [name, &component.to_string()], |c| c.parsed("component"))?;
        if let Some(digest) = taken {
            return Err(StoreError::SkillTaken { skill: card.name.clone(), digest });
        }
        self.run(
            "INSERT INTO skills (name, component, card) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET card = excluded.card",
            params![name, component.to_string(), text(card)?],
        )?;
        Ok(())
    }

    /// Returns all components in the order in which they were added.
    pub fn components(&self) -> Result<Vec<Component>, StoreError> {
        self.all("SELECT * FROM components ORDER BY added_ms, digest", [], component)
    }

    /// Returns the lineage of each component: a name that a replacement inherits and that is never reused.
    pub fn lineages(&self) -> Result<Vec<(Digest, String)>, StoreError> {
        self.all("SELECT digest, lineage FROM components", [], |cells| {
            Ok((cells.parsed("digest")?, cells.get("lineage")?))
        })
    }

    /// Removes a component and its skills. Returns false if there is no such component.
    pub fn remove_component(&self, digest: Digest) -> Result<bool, StoreError> {
        Ok(self.run("DELETE FROM components WHERE digest = ?1", [digest.to_string()])? > 0)
    }

    /// Returns all skills in the order of their names.
    pub fn installed(&self) -> Result<Vec<Installed>, StoreError> {
        self.all("SELECT * FROM skills ORDER BY name", [], installed)
    }
}

fn text(card: &Card) -> Result<String, StoreError> {
    serde_json::to_string(card)
        .map_err(|e| StoreError::Corrupt { place: "skills.card".to_owned(), source: e.into() })
}

fn component(cells: &Cells<'_, '_>) -> Result<Component, StoreError> {
    Ok(Component {
        digest: cells.parsed("digest")?,
        origin: cells.get("origin")?,
        size: cells.get("size")?,
        imports: cells.json("imports")?,
        added_ms: cells.get("added_ms")?,
    })
}

fn installed(cells: &Cells<'_, '_>) -> Result<Installed, StoreError> {
    Ok(Installed { card: cells.json("card")?, component: cells.parsed("component")? })
}
