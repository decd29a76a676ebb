//! The groups, owned like the sessions: loaded when they are needed, and dropped when memory may be ahead of the rows.

use std::collections::HashMap;

use coworker_channel::{Backend, Group, GroupError};
use coworker_policy::{GroupId, PeerId, RequestId};
use coworker_store::{MlsStorage, StoreError};

use super::group_log::GroupLog;
use super::{StateError, Transaction};

pub(crate) type GroupTools<'t> = Backend<'t, MlsStorage<'t>, GroupLog<'t>>;

/// The state of groups that is in memory only.
#[derive(Default)]
pub(crate) struct GroupCache {
    pub(super) loaded: HashMap<GroupId, Group>,
    /// The members that we asked for the log of a group: the epoch, and the message to each.
    pub(crate) asked: HashMap<GroupId, (u64, HashMap<PeerId, RequestId>)>,
    /// When a member last made us commit, in milliseconds.
    pub(crate) admitted: HashMap<(GroupId, PeerId), i64>,
    /// Messages stored since this agent started.
    pub(crate) stored: u64,
    /// The messages that we sealed to each group.
    pub(crate) wear: HashMap<GroupId, Wear>,
    /// The message by which we last told a member the log of a group.
    pub(crate) told: HashMap<(GroupId, PeerId), RequestId>,
}

/// The messages that we sealed to a group in one epoch.
#[derive(Clone, Copy)]
pub(crate) struct Wear {
    pub(crate) epoch: u64,
    pub(crate) sealed: u64,
    /// Our keys are renewed once this many are sealed.
    pub(crate) due: u64,
}

enum Undone {
    Step(GroupError),
    Store(StoreError),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Transaction<'_> {
    pub(crate) fn group_cache(&mut self) -> &mut GroupCache {
        &mut self.memory.group_cache
    }

    /// The group as it is now.
    pub(crate) fn group(&mut self, id: GroupId) -> Result<&Group, StateError> {
        if !self.memory.group_cache.loaded.contains_key(&id) {
            // Loading is not a step that a peer can make fail.
            let _: Result<(), GroupError> = self.in_group(id, |_, _| Ok(()))?;
        }
        self.memory.group_cache.loaded.get(&id).ok_or(StateError::NoGroup)
    }

    /// Runs one step of a group in a savepoint. The inner error is a mistake of a peer, or a wish of the owner that the
    /// group refuses; then the step left nothing behind.
    pub(crate) fn in_group<T>(
        &mut self,
        id: GroupId,
        step: impl FnOnce(&mut Group, &GroupTools<'_>) -> Result<T, GroupError>,
    ) -> Result<Result<T, GroupError>, StateError> {
        let loaded = self.memory.group_cache.loaded.remove(&id);
        let (loaded, done) = self
            .step(|tools| {
                let mut group = match loaded {
                    Some(group) => group,
                    None => match Group::load(tools, id)? {
                        Some(group) => group,
                        None => return Ok((None, None)),
                    },
                };
                let done = step(&mut group, tools)?;
                Ok((Some(group), Some(done)))
            })
            .map(|done| match done {
                Ok((group, done)) => (group, done.map(Ok)),
                Err(error) => (None, Some(Err(error))),
            })?;
        if let Some(group) = loaded {
            self.memory.group_cache.loaded.insert(id, group);
        }
        done.ok_or(StateError::NoGroup)
    }

    /// Runs a step that makes a group, or prepares for one.
    pub(crate) fn step<T>(
        &mut self,
        step: impl FnOnce(&GroupTools<'_>) -> Result<T, GroupError>,
    ) -> Result<Result<T, GroupError>, StateError> {
        let (tx, memory) = (self.store, &*self.memory);
        let done = tx.savepoint(|_| {
            let (storage, ledger) = (tx.mls(), GroupLog(tx));
            let (identity, member) = (&memory.identity, &memory.member);
            step(&Backend { identity, member, storage: &storage, ledger: &ledger }).map_err(Undone::Step)
        });
        match done {
            Ok(value) => Ok(Ok(value)),
            Err(Undone::Store(error)) => Err(error.into()),
            // Our own fault: the whole job is undone.
            Err(Undone::Step(GroupError::Channel(error))) if !error.is_peer_fault() => Err(error.into()),
            Err(Undone::Step(error)) => Ok(Err(error)),
        }
    }

    /// Adds a group that was just made or joined.
    pub(crate) fn keep_group(&mut self, group: Group) {
        self.memory.group_cache.loaded.insert(group.id(), group);
    }

    /// Deletes a group's keys, if it has any.
    pub(crate) fn drop_group(&mut self, id: GroupId) -> Result<(), StateError> {
        self.memory.group_cache.loaded.remove(&id);
        self.memory.group_cache.asked.remove(&id);
        self.memory.group_cache.wear.remove(&id);
        let deleted = self.step(|tools| match Group::load(tools, id)? {
            Some(group) => group.delete(tools.storage),
            None => Ok(()),
        })?;
        if let Err(error) = deleted {
            tracing::warn!(%error, "a group's keys could not be deleted");
        }
        Ok(())
    }
}
