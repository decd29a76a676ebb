use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use coworker_api::ops::{AskInfo, ComponentInfo, ImportInfo, SkillLook};
use coworker_policy::{Ask, Card, Contract, Digest, ErrorCode, Request, diff};
use coworker_sandbox::{BadComponent, Inspection};

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

impl Run for SkillLook {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<ComponentInfo, OpError> {
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
    let inspection = coworker_sandbox::inspect(&wasm).map_err(|error| bad(&error))?;
    let digest = agent.catalog.sandbox().load(wasm.clone().into()).await.map_err(|error| bad(&error))?;
    let described = agent.catalog.sandbox().describe(digest).await.map_err(|stopped| {
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
    let request = request(&wasm)?;
    let mut info = info(inspection, skills, request.as_ref());
    info.replaces = replaced(agent, &info)?;
    if let Some(old) = info.replaces {
        let before = installed(agent, old).await?;
        let mentioned = before.request.as_ref().map(|request| &request.defaults);
        let config = &agent.catalog.snapshot().written(old).policy.config;
        info.defaults.retain(|key, _| {
            !config.contains_key(key.as_str()) && mentioned.is_none_or(|old| !old.contains_key(key))
        });
        info.changes = changes(&before, &info, request);
    } else if agent.catalog.snapshot().components().any(|(digest, _)| digest == info.digest) {
        // What its owner took out since stays out.
        info.defaults.clear();
    }
    Ok(Looked { wasm, info })
}

/// What the component's author packed with it.
fn request(wasm: &[u8]) -> Result<Option<Request>, OpError> {
    coworker_sandbox::manifest(wasm).map(Request::parse).transpose().map_err(|error| bad(&error))
}

/// The one other component that has these skills now.
fn replaced(agent: &Agent, info: &ComponentInfo) -> Result<Option<Digest>, OpError> {
    let snapshot = agent.catalog.snapshot();
    let owners = info.skills.iter().filter_map(|card| Some(snapshot.find(card.name.as_str())?.component()));
    let others: BTreeSet<Digest> = owners.filter(|owner| *owner != info.digest).collect();
    if others.len() > 1 {
        return Err(OpError::new(
            ErrorCode::BadComponent,
            "its skills are installed already, from several components",
        )
        .suggest("remove those first", ["skill", "remove", "NAME"]));
    }
    Ok(others.into_iter().next())
}

/// What the owner agreed to when they installed it.
async fn installed(agent: &Agent, old: Digest) -> Result<Contract, OpError> {
    let wasm = agent.core.home.read_component(old).await?;
    let installed = agent.state.run(|tx| Ok((tx.store.components()?, tx.store.installed()?))).await?;
    let (components, skills) = installed;
    let imports = components.into_iter().find(|component| component.digest == old);
    Ok(Contract {
        cards: skills.into_iter().filter(|skill| skill.component == old).map(|skill| skill.card).collect(),
        imports: imports.map(|component| component.imports).unwrap_or_default(),
        request: request(&wasm)?,
    })
}

fn changes(before: &Contract, info: &ComponentInfo, request: Option<Request>) -> Vec<String> {
    let after = Contract {
        cards: info.skills.clone(),
        imports: info.imports.iter().map(|import| import.interface.clone()).collect(),
        request,
    };
    diff(before, &after).iter().map(ToString::to_string).collect()
}

/// What is looked at, agreed to and stored is the component, also where the file is the core module of one.
async fn component(file: Vec<u8>) -> Result<Vec<u8>, OpError> {
    let made = tokio::task::spawn_blocking(move || {
        Ok::<_, BadComponent>(match coworker_sandbox::componentize(&file)? {
            Cow::Owned(component) => component,
            Cow::Borrowed(_) => file,
        })
    });
    made.await.map_err(|error| OpError::fault(&error))?.map_err(|error| bad(&error))
}

fn info(inspection: Inspection, skills: Vec<Card>, request: Option<&Request>) -> ComponentInfo {
    let import = |import: coworker_sandbox::Import| ImportInfo {
        interface: import.name,
        capability: import.capability,
    };
    ComponentInfo {
        digest: inspection.digest,
        size: inspection.size,
        unused_exports: inspection.unused_exports().into_iter().map(str::to_owned).collect(),
        exports: inspection.exports,
        imports: inspection.imports.into_iter().map(import).collect(),
        skills,
        asks: request.map(asks).unwrap_or_default(),
        defaults: request.map(|request| request.defaults.clone()).unwrap_or_default(),
        replaces: None,
        changes: Vec::new(),
    }
}

fn asks(request: &Request) -> Vec<AskInfo> {
    let ask = |ask: &Ask| AskInfo {
        capability: ask.capability,
        to: ask.to.clone(),
        from: ask.from,
        why: ask.why.clone(),
    };
    request.asks.iter().map(ask).collect()
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

pub(super) fn bad(error: &dyn std::error::Error) -> OpError {
    OpError { code: ErrorCode::BadComponent, ..OpError::fault(error) }
}
