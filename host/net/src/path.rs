//! The network path of a link and its changes.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How frames travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// From host to host.
    Direct,
    /// Through a relay, which sees ciphertext and routing keys.
    Relay,
    /// Within this process, for tests.
    Memory,
    /// The last path was given up, and no other one is established yet.
    None,
}

/// The path that a link's frames take. For the owner only, because it may contain addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathInfo {
    pub kind: PathKind,
    /// The peer's address or the relay's URL. Empty for the other kinds.
    pub to: String,
    /// The latest measured round-trip time.
    pub rtt: Option<Duration>,
    /// How long the link has used this path.
    pub held: Duration,
    /// How often the link has changed its path.
    pub moves: u32,
}

/// The kind and the target of a path, which identify it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) kind: PathKind,
    pub(crate) to: String,
}

impl Route {
    pub(crate) fn new(kind: PathKind, to: impl Into<String>) -> Self {
        Self { kind, to: to.into() }
    }

    /// Formats it as `direct 192.0.2.7:4433`, `relay https://…`, `memory` or `none`.
    pub(crate) fn text(&self) -> String {
        match self.kind {
            PathKind::Direct => format!("direct {}", self.to),
            PathKind::Relay => format!("relay {}", self.to),
            PathKind::Memory => "memory".to_owned(),
            PathKind::None => "none".to_owned(),
        }
    }
}

/// Notifies of changes of a link's path. A late reader sees the latest one only.
pub struct PathChanges {
    moves: watch::Receiver<u32>,
}

impl PathChanges {
    /// Waits for the next change. Returns `false` when the link has ended. Cancel-safe.
    pub async fn next(&mut self) -> bool {
        self.moves.changed().await.is_ok()
    }
}

/// Records the current path of a link.
pub(crate) struct PathLog {
    now: Mutex<(Route, Instant)>,
    moves: watch::Sender<u32>,
}

impl PathLog {
    pub(crate) fn new(route: Route) -> Self {
        Self { now: Mutex::new((route, Instant::now())), moves: watch::Sender::new(0) }
    }

    pub(crate) fn update(&self, route: Route) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0 != route {
            *now = (route, Instant::now());
            self.moves.send_modify(|moves| *moves += 1);
        }
    }

    pub(crate) fn info(&self, rtt: Option<Duration>) -> PathInfo {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let Route { kind, to } = now.0.clone();
        PathInfo { kind, to, rtt, held: now.1.elapsed(), moves: *self.moves.borrow() }
    }

    pub(crate) fn changes(&self) -> PathChanges {
        PathChanges { moves: self.moves.subscribe() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_path_change_restarts_the_duration_and_notifies_once() {
        let relay = Route::new(PathKind::Relay, "https://relay.example/");
        let log = PathLog::new(relay.clone());
        let mut changes = log.changes();
        tokio::time::advance(Duration::from_secs(5)).await;
        log.update(relay);
        assert_eq!((log.info(None).held, log.info(None).moves), (Duration::from_secs(5), 0));
        log.update(Route::new(PathKind::Direct, "192.0.2.7:1"));
        tokio::time::advance(Duration::from_secs(2)).await;
        let now = log.info(Some(Duration::from_millis(3)));
        assert_eq!((now.kind, now.to.as_str(), now.moves), (PathKind::Direct, "192.0.2.7:1", 1));
        assert_eq!((now.held, now.rtt), (Duration::from_secs(2), Some(Duration::from_millis(3))));
        assert!(changes.next().await);
        drop(log);
        assert!(!changes.next().await, "the link has ended");
    }
}
