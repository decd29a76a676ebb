//! Requests of ours that nobody has to wait for: finding one again, and the short stay of a command that holds the
//! agent itself.

use std::time::Duration;

use coworker_policy::{ErrorCode, PeerId, RequestId};
use coworker_store::{Outbound, OutboundState};

use crate::base::error::OpError;
use crate::base::time::DAY_MS;
use crate::base::typed::Kind;
use crate::link::links::Links;
use crate::state::{StateActor, StateError, Transaction};

/// How long a request may be open, in milliseconds.
pub(crate) const LONGEST_OPEN_MS: i64 = 30 * DAY_MS;
/// How long a command that holds the agent itself stays for its mail.
pub(crate) const MOMENT: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(20);
/// Requests read for one typed id: those that are no longer open are dropped from them.
const MAX_READ: usize = 64;

const REQUESTS: Kind = Kind {
    singular: "request",
    plural: "requests",
    code: ErrorCode::Usage,
    hints: &[("see your requests", &["tasks", "--all"])],
};
pub(crate) const OPEN_REQUESTS: Kind = Kind {
    singular: "open request",
    plural: "open requests",
    code: ErrorCode::Usage,
    hints: &[("see your requests", &["tasks", "--all"])],
};

/// The one request or call of ours whose id begins with `typed`; with `open`, of those that wait for their answer.
pub(crate) async fn find(state: &StateActor, typed: &str, open: bool) -> Result<Outbound, OpError> {
    let kind = if open { &OPEN_REQUESTS } else { &REQUESTS };
    let start = kind.id_start(typed)?;
    let found = state.run(move |tx| {
        tx.store.expire_outbound(tx.now)?;
        let mut found = tx.store.outbound_like(start.as_str(), MAX_READ)?;
        found.retain(|row| !open || row.state == OutboundState::Waiting);
        Ok(found)
    });
    kind.only(typed, found.await?, |row| format!("{} ({} of {})", row.id, row.skill, row.peer.short()))
}

impl Links {
    /// Waits until the peer has the messages about a request, a moment at most. Returns at once where this process
    /// stays and delivers them in any case.
    pub(crate) async fn linger(&self, peer: PeerId, id: RequestId) -> Result<(), OpError> {
        self.linger_while(move |tx| Ok(tx.store.is_queued(peer, id)?)).await
    }

    /// Waits in the same way until the peer has all of its mail.
    pub(crate) async fn linger_for(&self, peer: PeerId) -> Result<(), OpError> {
        self.linger_while(move |tx| Ok(tx.store.has_mail(peer)?)).await
    }

    async fn linger_while<F>(&self, waits: F) -> Result<(), OpError>
    where
        F: FnOnce(&mut Transaction<'_>) -> Result<bool, StateError> + Copy + Send + 'static,
    {
        if self.core.serves() {
            return Ok(());
        }
        let taken = async {
            while self.state.run(waits).await? {
                tokio::time::sleep(POLL).await;
            }
            Ok(())
        };
        tokio::time::timeout(MOMENT, taken).await.unwrap_or(Ok(()))
    }
}
