//! Changes of the catalog: the database first, then the copy in memory.

use coworker_policy::ErrorCode;
use coworker_store::StoreError;

use crate::agent::Agent;
use crate::catalog::{CatalogError, Shelf};
use crate::desk::{DeskError, Work};
use crate::error::OpError;

/// Runs `change` and, once it is on disk, puts the new catalog in place. Calls that run and could not
/// begin any more are stopped.
pub(crate) async fn apply<T, F>(agent: &Agent, change: F) -> Result<T, OpError>
where
    T: Send + 'static,
    F: FnOnce(&mut Work<'_>) -> Result<T, DeskError> + Send + 'static,
{
    // One change at a time, so that memory ends up as the last one left the disk.
    let _one = agent.changing.lock().await;
    let changed = agent.desk.run(move |work| {
        let answer = change(work)?;
        Ok((answer, Shelf::read(work.tx)))
    });
    let (answer, shelf) = changed.await.map_err(taken)?;
    let before = agent.catalog.shelf();
    agent.catalog.replace(shelf?);
    revoke(agent, &before);
    Ok(answer)
}

fn revoke(agent: &Agent, before: &Shelf) {
    let after = agent.catalog.shelf();
    for skill in before.skills() {
        let name = skill.card().name.as_str();
        let now = after.find(name).map(|skill| skill.listing());
        if now.is_none_or(|now| now.takes_away_from(skill.listing())) {
            agent.running.revoke_skill(name);
        }
    }
}

fn taken(error: DeskError) -> OpError {
    match error {
        DeskError::Store(StoreError::SkillTaken { skill, digest }) => OpError::new(
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
