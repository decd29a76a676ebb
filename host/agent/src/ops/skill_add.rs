use coworker_api::ops::{ComponentInfo, SkillAdd, SkillAdded};
use coworker_policy::{ErrorCode, Listing, SkillName};
use coworker_store::Component;
use serde_json::json;

use super::Run;
use super::skill_listing;
use super::skill_look;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::home::{make_private_dir, write_atomically};
use crate::base::observer::CallObserver;
use crate::catalog::policies;
use crate::state::audit;

impl Run for SkillAdd {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<SkillAdded, OpError> {
        let looked = skill_look::look(agent, &self.path).await?;
        let info = looked.info;
        if info.digest != self.agreed {
            return Err(OpError::new(ErrorCode::BadComponent, "the file changed after you agreed to it")
                .suggest("look at it again", ["skill", "add", "PATH"]));
        }
        // The file first: a row without its file would be a broken skill, a file without a row is only dust.
        make_private_dir(&agent.core.home.component_dir(info.digest))?;
        write_atomically(&agent.core.home.component(info.digest), &looked.wasm)?;
        if let Some(old) = info.replaces {
            // The owner saw the differences and agreed: their word on the old one is their word on this.
            let in_force = agent.catalog.snapshot().written(old);
            policies::carry_over(&agent.core.home, old, &in_force, info.digest, &info.defaults).await?;
        } else {
            policies::begin(&agent.core.home, info.digest, &info.defaults).await?;
        }
        let already = install(agent, &self.path, &info).await?;
        if let Some(old) = info.replaces {
            agent.catalog.discard(old).await;
            agent.calls.leaks().forget(old);
        }
        if let Some(from) = self.expose {
            for card in &info.skills {
                skill_listing::set(agent, info.digest, &card.name, Listing::Exposed { from }).await?;
            }
        }
        let snapshot = agent.catalog.snapshot();
        let first = info.skills.first().and_then(|card| snapshot.find(card.name.as_str()));
        let listing = first.map_or(Listing::Hidden, |skill| skill.listing());
        Ok(SkillAdded { component: info, already, listing })
    }
}

async fn install(agent: &Agent, path: &std::path::Path, info: &ComponentInfo) -> Result<bool, OpError> {
    let origin = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let imports = info.imports.iter().map(|import| import.interface.clone()).collect();
    let (digest, size, cards) = (info.digest, info.size as u64, info.skills.clone());
    let replaces = info.replaces;
    let names: Vec<SkillName> = cards.iter().map(|card| card.name.clone()).collect();
    agent
        .catalog
        .apply(move |tx| {
            let already = tx.store.components()?.iter().any(|component| component.digest == digest);
            if !already {
                let component = Component { digest, origin, size, imports, added_ms: tx.now };
                match replaces {
                    Some(old) => tx.store.replace_component(old, &component, &cards)?,
                    None => tx.store.add_component(&component, &cards)?,
                }
            }
            for name in names.iter().filter(|_| !already) {
                let detail = json!({ "component": digest, "replaces": replaces });
                audit::skill_changed(tx, "skill_added", name.as_str(), &detail)?;
            }
            Ok(already)
        })
        .await
}
