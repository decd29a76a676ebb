use std::ops::Deref;
use std::sync::Arc;

use coworker_policy::PeerId;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::transaction::{GroupTransaction, KEEP_MESSAGES};
use crate::base::core::Core;
use crate::base::error::OpError;
use crate::link::links::Links;
use crate::state::{StateActor, StateError, Transaction};

/// The groups of this agent. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Groups(Arc<Inner>);

pub(crate) struct Inner {
    core: Core,
    state: StateActor,
    links: Links,
    news: Notify,
}

impl Groups {
    pub(crate) fn new(core: &Core, state: &StateActor, links: &Links) -> Self {
        let news = Notify::new();
        Self(Arc::new(Inner { core: core.clone(), state: state.clone(), links: links.clone(), news }))
    }

    /// Runs `job` in a transaction, then has the mail that it left delivered.
    pub(crate) async fn in_transaction<T, F>(&self, job: F) -> Result<T, OpError>
    where
        T: Send + 'static,
        F: FnOnce(&mut GroupTransaction<'_, '_>) -> Result<Result<T, OpError>, StateError> + Send + 'static,
    {
        let us = self.core.us;
        let tx = self.state.run(move |tx| {
            let mut groups = GroupTransaction::new(tx, us);
            let value = job(&mut groups)?;
            Ok((value, groups.away()))
        });
        let (value, away) = tx.await?;
        self.follow_up(away);
        value
    }

    /// Runs a job that only reads: it wakes nobody.
    pub(crate) async fn in_read_transaction<T, F>(&self, look: F) -> Result<T, OpError>
    where
        T: Send + 'static,
        F: FnOnce(&mut GroupTransaction<'_, '_>) -> Result<T, StateError> + Send + 'static,
    {
        let us = self.core.us;
        Ok(self.state.run(move |tx| look(&mut GroupTransaction::new(tx, us))).await?)
    }

    /// Wakes the readers once the work is on disk, and has the mail for peers that are away delivered.
    pub(crate) fn follow_up(&self, away: impl IntoIterator<Item = PeerId>) {
        self.news.notify_waiters();
        for peer in away {
            self.links.deliver_mail(peer);
        }
    }

    /// Completes when something happens in a group, from now on.
    pub(crate) fn news(&self) -> Notified<'_> {
        self.0.news.notified()
    }

    /// Wakes the readers once the transaction is on disk.
    pub(crate) fn wake_readers(&self, tx: &mut Transaction<'_>) {
        let groups = self.clone();
        tx.once_committed(move || groups.news.notify_waiters());
    }

    /// Renews keys and deletes old rows.
    pub(crate) async fn keep_house(&self, keep_ms: i64) -> Result<(), OpError> {
        self.in_transaction(move |groups| {
            let before = groups.tx.now - keep_ms;
            groups.tx.store.prune_group_invites(before)?;
            for row in groups.tx.store.groups()? {
                groups.tx.store.prune_group_messages(row.id, KEEP_MESSAGES)?;
                groups.tx.store.prune_group_owed(row.id)?;
                if !row.ended {
                    groups.renew(&row)?;
                }
            }
            Ok(Ok(()))
        })
        .await
    }
}

impl Deref for Groups {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
