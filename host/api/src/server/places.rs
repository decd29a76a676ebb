use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use coworker_policy::ErrorCode;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::ApiError;

/// The places of open connections. When all are taken, a newcomer gets the place of the connection that has been idle
/// for longest, so that silent clients cannot keep others out.
pub(super) struct Places {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    connections: HashMap<u64, Use>,
}

struct Use {
    /// Start of the idle time; `None` while a request runs.
    idle_since: Option<Instant>,
    close: CancellationToken,
}

/// One connection's place, given back when it is dropped.
pub(super) struct Place<'a> {
    places: &'a Places,
    key: u64,
    close: CancellationToken,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Mutex::default() }
    }

    pub(super) fn take(&self) -> Result<Place<'_>, ApiError> {
        let mut taken = self.lock();
        if taken.connections.len() >= self.most {
            let idle = taken.connections.iter().filter_map(|(key, used)| Some((used.idle_since?, *key)));
            let Some((_, longest)) = idle.min() else {
                return Err(ApiError::new(
                    ErrorCode::LimitExceeded,
                    format!("{} connections are open and busy", self.most),
                )
                .hint("wait for one of them to end"));
            };
            if let Some(evicted) = taken.connections.remove(&longest) {
                evicted.close.cancel();
            }
        }
        let (key, close) = (taken.next, CancellationToken::new());
        taken.next += 1;
        taken.connections.insert(key, Use { idle_since: Some(Instant::now()), close: close.clone() });
        Ok(Place { places: self, key, close })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Marks the connection as busy. False if its place was given away.
    pub(super) fn begin(&self) -> bool {
        self.set_idle_since(None)
    }

    pub(super) fn idle(&self) {
        self.set_idle_since(Some(Instant::now()));
    }

    fn set_idle_since(&self, idle_since: Option<Instant>) -> bool {
        let mut taken = self.places.lock();
        let used = taken.connections.get_mut(&self.key);
        used.map(|used| used.idle_since = idle_since).is_some()
    }

    /// Returns once the place was given away.
    pub(super) async fn evicted(&self) {
        self.close.cancelled().await;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.places.lock().connections.remove(&self.key);
    }
}
