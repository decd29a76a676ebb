use coworker_policy::ErrorCode;
use coworker_sandbox::BadComponent;
use serde::{Deserialize, Serialize};

use super::Operation;
use super::skill_grant::{self, PolicyView};
use super::skill_list::{self, SkillInfo, unknown};
use crate::agent::Agent;
use crate::base::error::OpError;

/// All about one installed skill and its component.
#[derive(Debug, Serialize, Deserialize)]
pub struct SkillInspect {
    pub name: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct SkillInspected {
    pub skill: SkillInfo,
    pub policy: PolicyView,
    /// Exports of its component that are no skill and that no call reaches.
    pub unused_exports: Vec<String>,
    /// The files packed with its component, in the order of their paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<AssetInfo>,
}

/// A packed file. What is in it is the component's alone.
#[derive(Debug, Serialize, Deserialize)]
pub struct AssetInfo {
    pub path: String,
    /// Bytes.
    pub size: usize,
}

impl Operation for SkillInspect {
    type Answer = SkillInspected;

    async fn run(self, agent: &Agent) -> Result<SkillInspected, OpError> {
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
        let (inspection, assets) = inspected.await.map_err(|error| OpError::fault(&error))??;
        if inspection.digest != skill.component {
            return Err(OpError::new(ErrorCode::BadComponent, "its component was changed on disk")
                .hint("remove it and add it again"));
        }
        let unused_exports = inspection.unused_exports().into_iter().map(str::to_owned).collect();
        Ok(SkillInspected { skill, policy, unused_exports, assets })
    }
}
