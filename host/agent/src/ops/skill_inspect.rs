use coworker_api::ops::{AssetInfo, SkillInspect, SkillInspected};
use coworker_policy::ErrorCode;
use coworker_sandbox::BadComponent;

use super::Run;
use super::skill_grant;
use super::skill_list::{self, unknown};
use super::skill_look::bad;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

impl Run for SkillInspect {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<SkillInspected, OpError> {
        let snapshot = agent.catalog.snapshot();
        let skill = skill_list::info(snapshot.find(&self.name).ok_or_else(|| unknown(&self.name))?);
        let policy = skill_grant::view(agent, &self.name, skill.component)?;
        let wasm = agent.core.home.read_component(skill.component).await?;
        let inspected = tokio::task::spawn_blocking(move || {
            let packed = coworker_sandbox::assets(&wasm)?;
            let asset = |(path, bytes): (&str, &[u8])| AssetInfo { path: path.to_owned(), size: bytes.len() };
            let assets = packed.iter().flat_map(|assets| assets.iter().map(asset)).collect();
            Ok::<(_, Vec<AssetInfo>), BadComponent>((coworker_sandbox::inspect(&wasm)?, assets))
        });
        let (inspection, assets) =
            inspected.await.map_err(|error| OpError::fault(&error))?.map_err(|error| bad(&error))?;
        if inspection.digest != skill.component {
            return Err(OpError::new(ErrorCode::BadComponent, "its component was changed on disk")
                .hint("remove it and add it again"));
        }
        let unused_exports = inspection.unused_exports().into_iter().map(str::to_owned).collect();
        Ok(SkillInspected { skill, policy, unused_exports, assets })
    }
}
