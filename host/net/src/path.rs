//! What a link runs over, and for how long: for the owner, and for those who wait for a better path.

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
    /// The last path was given up, and no other stands yet.
    None,
}

/// The path that a link's frames take. For the owner's eyes: it may name addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathInfo {
    pub kind: PathKind,
    /// The peer's address, or the relay's URL; empty for the other kinds.
    pub to: String,
    /// Round trip as last measured.
    pub rtt: Option<Duration>,
    /// For how long it has been this path.
    pub held: Duration,
    /// How often the link moved from one path to another.
    pub moves: u32,
}

/// One path, by what tells it from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) kind: PathKind,
    pub(crate) to: String,
}

impl Route {
    pub(crate) fn new(kind: PathKind, to: impl Into<String>) -> Self {
        Self { kind, to: to.into() }
    }

    /// `direct 192.0.2.7:4433`, `relay https://…`, `memory` or `none`.
    pub(crate) fn text(&self) -> String {
        match self.kind {
            PathKind::Direct => format!("direct {}", self.to),
            PathKind::Relay => format!("relay {}", self.to),
            PathKind::Memory => "memory".to_owned(),
            PathKind::None => "none".to_owned(),
        }
    }
}

/// Tells of each change of a link's path; a reader that is late sees the newest.
pub struct PathChanges {
    moves: watch::Receiver<u32>,
}

impl PathChanges {
    /// Returns after the next change; `false` when the link is over. Cancel-safe.
    pub async fn next(&mut self) -> bool {
        self.moves.changed().await.is_ok()
    }
}

/// What a link's path has been.
pub(crate) struct PathLog {
    now: Mutex<(Route, Instant)>,
    moves: watch::Sender<u32>,
}

impl PathLog {
    pub(crate) fn new(route: Route) -> Self {
        Self { now: Mutex::new((route, Instant::now())), moves: watch::Sender::new(0) }
    }

    pub(crate) fn see(&self, route: Route) {
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
    async fn a_change_starts_the_clock_anew_and_is_told_once() {
        let relay = Route::new(PathKind::Relay, "https://relay.example/");
        let log = PathLog::new(relay.clone());
        let mut changes = log.changes();
        tokio::time::advance(Duration::from_secs(5)).await;
        log.see(relay);
        assert_eq!((log.info(None).held, log.info(None).moves), (Duration::from_secs(5), 0));
        log.see(Route::new(PathKind::Direct, "192.0.2.7:1"));
        tokio::time::advance(Duration::from_secs(2)).await;
        let now = log.info(Some(Duration::from_millis(3)));
        assert_eq!((now.kind, now.to.as_str(), now.moves), (PathKind::Direct, "192.0.2.7:1", 1));
        assert_eq!((now.held, now.rtt), (Duration::from_secs(2), Some(Duration::from_millis(3))));
        assert!(changes.next().await);
        drop(log);
        assert!(!changes.next().await, "the link is over");
    }
}
