//! Requests of ours that nobody has to wait for: finding one again, and what a command that holds the agent
//! only for a moment does for them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use coworker_policy::{ErrorCode, PeerId, RequestId, Text};
use coworker_store::{Outbound, OutboundState};

use crate::agent::Agent;
use crate::base::error::OpError;
use crate::link::connection;

const HOUR_MS: i64 = 60 * 60 * 1000;
/// How long a request may be open at most, in milliseconds.
pub(crate) const LONGEST_OPEN_MS: i64 = 30 * 24 * HOUR_MS;
/// How long a command that holds the agent itself stays for its mail.
pub(crate) const MOMENT: Duration = Duration::from_secs(3);
const GLANCE: Duration = Duration::from_millis(20);
/// Shortest start of an id that names a request.
const MIN_START: usize = 4;
/// Requests that are told apart for a person.
const MAX_LISTED: usize = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Agent {
    /// True if this process stays to deliver what is not delivered yet.
    pub(crate) fn serves(&self) -> bool {
        self.serving.load(Ordering::Relaxed)
    }

    /// The one request or call of ours whose id begins with `typed`; with `open`, of those that wait for
    /// their answer.
    pub(crate) async fn find_request(&self, typed: &str, open: bool) -> Result<Outbound, OpError> {
        let start = typed.to_ascii_lowercase();
        if start.len() < MIN_START {
            let message = format!("name at least {MIN_START} characters of the request's id");
            return Err(OpError::new(ErrorCode::Usage, message));
        }
        let found = self.state.run(move |tx| {
            tx.store.expire_outbound(tx.now)?;
            let mut found = tx.store.outbound_like(&start, MAX_LISTED * MAX_LISTED)?;
            found.retain(|row| !open || row.state == OutboundState::Waiting);
            Ok(found)
        });
        let mut found = found.await?;
        match (found.pop(), found.as_slice()) {
            (Some(one), []) => Ok(one),
            (None, _) => Err(no_such(typed, open)),
            (Some(last), others) => Err(ambiguous(typed, others.iter().chain([&last]))),
        }
    }
}

pub(crate) fn no_such(typed: &str, open: bool) -> OpError {
    let shown = Text::sanitized(typed);
    let what = if open { "request that waits for its answer" } else { "request of yours" };
    OpError::new(ErrorCode::Usage, format!("no {what} begins with {shown}"))
        .hint("see them: coworker tasks --all")
}

fn ambiguous<'a>(typed: &str, found: impl Iterator<Item = &'a Outbound>) -> OpError {
    let told = |row: &Outbound| format!("{} ({} of {})", row.id, row.skill, row.peer.short());
    let list: Vec<String> = found.take(MAX_LISTED).map(told).collect();
    OpError::new(ErrorCode::Usage, format!("more than one request begins with {}", Text::sanitized(typed)))
        .hint(format!("name more of its id: {}", list.join(", ")))
}

/// Waits until the peer has what was said of a request, a moment at most; not at all where it is delivered
/// in any case, because this process stays.
pub(crate) async fn linger(agent: &Agent, peer: PeerId, id: RequestId) -> Result<(), OpError> {
    if agent.serves() {
        return Ok(());
    }
    let taken = async {
        while agent.state.run(move |tx| Ok(tx.store.is_queued(peer, id)?)).await? {
            tokio::time::sleep(GLANCE).await;
        }
        Ok(())
    };
    tokio::time::timeout(MOMENT, taken).await.unwrap_or(Ok(()))
}

/// The same for all that waits for the peer.
pub(crate) async fn linger_for(agent: &Agent, peer: PeerId) -> Result<(), OpError> {
    if agent.serves() {
        return Ok(());
    }
    let taken = async {
        while agent.state.run(move |tx| Ok(tx.store.has_mail(peer)?)).await? {
            tokio::time::sleep(GLANCE).await;
        }
        Ok(())
    };
    tokio::time::timeout(MOMENT, taken).await.unwrap_or(Ok(()))
}

/// Has a connection with `peer` whenever there can be one: an answer may wait for us there.
pub(crate) async fn keep_linked<T>(agent: &Agent, peer: PeerId) -> T {
    let mut whereabouts = agent.presence.of(peer);
    loop {
        // Two that wait for each other must not dial at once, time and again.
        let mut pause = if agent.us < peer { FIRST_PAUSE } else { FIRST_PAUSE * 3 };
        while let Err(error) = connection::ensure(agent, peer).await {
            tracing::debug!(%peer, %error, "cannot reach the peer yet");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        whereabouts.gone().await;
        tokio::time::sleep(pause).await;
    }
}
