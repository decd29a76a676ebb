//! Changes of the catalog: the disk first, then the copy in memory, then the calls that run.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use coworker_policy::{Digest, ErrorCode};
use coworker_store::StoreError;
use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::agent::Agent;
use crate::base::error::OpError;
use crate::catalog::policies::{self, Written, edit::EditError};
use crate::catalog::snapshot::{CatalogError, CatalogSnapshot};
use crate::state::audit;
use crate::state::{StateError, Transaction};

/// Runs `change` on the database and, once it is on disk, puts the new catalog in force.
pub(crate) async fn apply<T, F>(agent: &Agent, change: F) -> Result<T, OpError>
where
    T: Send + 'static,
    F: FnOnce(&mut Transaction<'_>) -> Result<T, StateError> + Send + 'static,
{
    // One change at a time, so that memory ends up as the last one left the disk.
    let _one = agent.changing.lock().await;
    reload(agent, BTreeMap::new(), change).await
}

/// Changes a component's policy file, writes down in the audit log what was decided, and puts it in force.
pub(crate) async fn decide(
    agent: &Agent,
    component: Digest,
    change: impl FnOnce(&str) -> Result<String, EditError> + Send,
    note: impl FnOnce(&mut Transaction<'_>) -> Result<(), StateError> + Send + 'static,
) -> Result<(), OpError> {
    let _one = agent.changing.lock().await;
    let in_force = agent.catalog.snapshot().written(component);
    let written = policies::change(&agent.home, component, &in_force, change).await?;
    reload(agent, BTreeMap::from([(component, written)]), note).await
}

/// A policy file that somebody else changed is not looked at here: who follows the edits reads it when it
/// lies still.
async fn reload<T, F>(agent: &Agent, anew: BTreeMap<Digest, Written>, change: F) -> Result<T, OpError>
where
    T: Send + 'static,
    F: FnOnce(&mut Transaction<'_>) -> Result<T, StateError> + Send + 'static,
{
    let (home, before) = (agent.home.clone(), agent.catalog.snapshot());
    let changed = agent.state.run(move |tx| {
        let answer = change(tx)?;
        Ok((answer, CatalogSnapshot::read(&home, tx.store, &before, anew)))
    });
    let (answer, snapshot) = changed.await.map_err(taken)?;
    let before = agent.catalog.replace(snapshot?);
    agent.denials.lock().unwrap_or_else(PoisonError::into_inner).forget();
    for skill in agent.catalog.snapshot().narrowed_since(&before) {
        agent.running.revoke_skill(skill.as_str());
    }
    Ok(answer)
}

/// Reads the policy files again whenever one of them changes, until the agent stops.
pub(crate) async fn follow_edits(agent: Agent) {
    let (changed, mut changes) = mpsc::channel(1);
    let watch = move |event: notify::Result<notify::Event>| {
        let about = |event: &notify::Event| event.paths.iter().any(|path| path.ends_with("policy.toml"));
        if event.is_ok_and(|event| !event.kind.is_access() && about(&event)) {
            // One that waits already stands for this one too.
            let _ = changed.try_send(());
        }
    };
    let watcher = notify::recommended_watcher(watch).and_then(|mut watcher| {
        watcher.watch(&agent.home.components_dir(), RecursiveMode::Recursive)?;
        Ok(watcher)
    });
    let _watcher = match watcher {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::warn!(%error, "edits of policy.toml count from the next start");
            return;
        }
    };
    loop {
        tokio::select! {
            Some(()) = changes.recv() => {}
            () = agent.stop.cancelled() => return,
        }
        tokio::time::sleep(policies::SETTLE).await;
        let _ = changes.try_recv();
        let _one = agent.changing.lock().await;
        let before = agent.catalog.snapshot();
        // Our own changes come by here, too; they are in force, and written down, already.
        let anew = edited(&agent, &before).await;
        if anew.is_empty() {
            continue;
        }
        let read = reload(&agent, anew, |_| Ok(())).await;
        let edited = agent.catalog.snapshot().edited_since(&before);
        let noted = agent.state.run(move |tx| audit::policies_edited(tx, &edited)).await;
        if let Err(error) = read.and(noted.map_err(OpError::from)) {
            tracing::error!(%error, "the changed policy files are not in force");
        }
    }
}

async fn edited(agent: &Agent, snapshot: &CatalogSnapshot) -> BTreeMap<Digest, Written> {
    let mut anew = BTreeMap::new();
    for (digest, in_force) in snapshot.components() {
        if let Some(written) = policies::edited(&agent.home, digest, in_force).await {
            anew.insert(digest, written);
        }
    }
    anew
}

fn taken(error: StateError) -> OpError {
    match error {
        StateError::Store(StoreError::SkillTaken { skill, digest }) => OpError::new(
            ErrorCode::BadComponent,
            format!("a skill named `{skill}` is already installed (component {digest})"),
        )
        .hint(format!("remove it first: coworker skill remove {skill}")),
        other => other.into(),
    }
}

impl From<CatalogError> for OpError {
    fn from(error: CatalogError) -> Self {
        Self::fault(&error)
    }
}
