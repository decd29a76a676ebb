use std::path::Path;
use std::time::Duration;

use coworker_agent::ops::Run as _;
use coworker_agent::{Agent, Config, Home, NetworkConfig};
use coworker_api::ApiError;
use coworker_api::ops::{
    ComponentInfo, SkillAdd, SkillConfigure, SkillExpose, SkillGrant, SkillLook, SkillTry, Tried,
};
use coworker_policy::{ErrorCode, Tier};
use tempfile::TempDir;

use super::cases::{Given, Permitted};
use crate::command::compile;

/// An agent that lives as long as a trial: its own key, its own database, nobody connected, no network.
pub(crate) struct Trial {
    agent: Agent,
    _dir: TempDir,
}

impl Trial {
    pub(crate) async fn open() -> Result<Self, ApiError> {
        let unmade = |error: std::io::Error| {
            ApiError::new(ErrorCode::Usage, format!("cannot make a temporary directory: {error}"))
        };
        let dir = tempfile::Builder::new().prefix("coworker-trial-").tempdir().map_err(unmade)?;
        let home = Home::new(dir.path().join("agent")).compiled_by(compile::compiler()?);
        let name = "trial".parse().map_err(|error| ApiError::fault(&error))?;
        home.initialise(&Config::new(name, NetworkConfig::default()))?;
        let agent = Agent::open(home, Duration::ZERO).await?;
        Ok(Self { agent, _dir: dir })
    }

    /// Describes a component without installing it.
    pub(crate) async fn look(&self, path: &Path) -> Result<ComponentInfo, ApiError> {
        SkillLook { path: path.to_owned() }.run(&self.agent).await
    }

    /// Installs a component with the grants that its cases need, then exposes its skills.
    pub(crate) async fn install(&self, path: &Path, given: &Given) -> Result<ComponentInfo, ApiError> {
        let component = self.look(path).await?;
        let agreed = component.digest;
        SkillAdd { path: path.to_owned(), agreed, expose: None }.run(&self.agent).await?;
        // A grant belongs to the component; any of its skills names it.
        if let Some(skill) = component.skills.first() {
            self.give(skill.name.as_str(), given).await?;
        }
        for skill in &component.skills {
            SkillExpose { name: skill.name.to_string(), from: given.from }.run(&self.agent).await?;
        }
        Ok(component)
    }

    async fn give(&self, skill: &str, given: &Given) -> Result<(), ApiError> {
        let name = || skill.to_owned();
        for Permitted { capability, to, from } in &given.grants {
            let (capability, to, from) = (*capability, to.clone(), *from);
            SkillGrant { name: name(), capability, to, from }.run(&self.agent).await?;
        }
        for (key, value) in &given.config {
            let (key, value) = (key.clone(), Some(value.clone()));
            SkillConfigure::Value { name: name(), key, value }.run(&self.agent).await?;
        }
        for (secret, value) in &given.secrets {
            let (secret, value) = (secret.clone(), Some(value.clone()));
            SkillConfigure::Secret { name: name(), secret, value }.run(&self.agent).await?;
        }
        Ok(())
    }

    /// Through the gates, as a caller of this tier.
    pub(crate) async fn call(&self, skill: &str, input: String, tier: Tier) -> Result<Tried, ApiError> {
        SkillTry { name: skill.to_owned(), input, tier: Some(tier) }.run(&self.agent).await
    }

    pub(crate) async fn close(self) {
        self.agent.close().await;
    }
}
