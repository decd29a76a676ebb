use std::borrow::Cow;
use std::path::{Path, PathBuf};

use coworker_policy::{Capability, Card, Digest, ErrorCode};
use coworker_sandbox::{BadComponent, Inspection};
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::agent::Agent;
use crate::error::OpError;

/// Looks at a component file: what it exports, what it could ever ask for, which skills it says it has.
/// Nothing is installed. Its `describe` runs, with no capability.
#[derive(Debug, Serialize, Deserialize)]
pub struct SkillLook {
    /// Absolute: the process that looks may stand in another directory.
    pub path: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ComponentInfo {
    pub digest: Digest,
    /// Bytes.
    pub size: usize,
    pub exports: Vec<String>,
    pub imports: Vec<ImportInfo>,
    pub skills: Vec<Card>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ImportInfo {
    pub interface: String,
    /// `None` gives the component nothing.
    pub capability: Option<Capability>,
}

impl Operation for SkillLook {
    type Answer = ComponentInfo;

    async fn run(self, agent: &Agent) -> Result<ComponentInfo, OpError> {
        Ok(look(agent, &self.path).await?.info)
    }
}

/// A component file that was read, loaded and asked for its skills.
pub(super) struct Looked {
    pub(super) wasm: Vec<u8>,
    pub(super) info: ComponentInfo,
}

pub(super) async fn look(agent: &Agent, path: &Path) -> Result<Looked, OpError> {
    let wasm = component(read(path).await?).await?;
    let inspection = coworker_sandbox::inspect(&wasm)?;
    let digest = agent.sandbox.load(wasm.clone().into()).await?;
    let described = agent.sandbox.describe(digest).await.map_err(|stopped| {
        OpError::new(
            ErrorCode::BadComponent,
            format!("the component's `describe` failed: {}", OpError::fault(&stopped)),
        )
    })?;
    let skills = described
        .into_iter()
        .map(|descriptor| Card::try_from(descriptor).map_err(|error| bad(&error)))
        .collect::<Result<Vec<_>, _>>()?;
    if skills.is_empty() {
        return Err(OpError::new(ErrorCode::BadComponent, "the component has no skills"));
    }
    Ok(Looked { wasm, info: info(inspection, skills) })
}

/// What is looked at, agreed to and stored is the component, also where the file is the core module of one.
async fn component(file: Vec<u8>) -> Result<Vec<u8>, OpError> {
    let made = tokio::task::spawn_blocking(move || {
        Ok::<_, BadComponent>(match coworker_sandbox::componentize(&file)? {
            Cow::Owned(component) => component,
            Cow::Borrowed(_) => file,
        })
    });
    Ok(made.await.map_err(|error| OpError::fault(&error))??)
}

fn info(inspection: Inspection, skills: Vec<Card>) -> ComponentInfo {
    let import = |import: coworker_sandbox::Import| ImportInfo {
        interface: import.name,
        capability: import.capability,
    };
    ComponentInfo {
        digest: inspection.digest,
        size: inspection.size,
        exports: inspection.exports,
        imports: inspection.imports.into_iter().map(import).collect(),
        skills,
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, OpError> {
    let unreadable = |error: std::io::Error| {
        OpError::new(ErrorCode::BadComponent, format!("cannot read {}: {error}", path.display()))
    };
    let metadata = tokio::fs::metadata(path).await.map_err(unreadable)?;
    // A pipe or a device has no size and perhaps no end.
    if !metadata.is_file() {
        return Err(OpError::new(ErrorCode::BadComponent, format!("{} is not a file", path.display()))
            .hint("name the component's .wasm file"));
    }
    let size = metadata.len();
    if size > coworker_sandbox::MAX_COMPONENT as u64 {
        let (size, max) = (size >> 20, coworker_sandbox::MAX_COMPONENT >> 20);
        return Err(OpError::new(
            ErrorCode::BadComponent,
            format!("the file has {size} MiB; at most {max} are taken"),
        ));
    }
    tokio::fs::read(path).await.map_err(unreadable)
}

fn bad(error: &dyn std::error::Error) -> OpError {
    OpError { code: ErrorCode::BadComponent, ..OpError::fault(error) }
}

impl From<BadComponent> for OpError {
    fn from(error: BadComponent) -> Self {
        bad(&error)
    }
}
