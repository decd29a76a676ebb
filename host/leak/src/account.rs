use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disclosed::Disclosed;

/// The private text of one component that one peer has received so far. Concurrent calls of the peer share it, so
/// that together they cannot exceed the budget of one.
#[derive(Clone, Debug, Default)]
pub struct Account(Arc<Mutex<Disclosed>>);

impl Account {
    pub fn new(disclosed: Disclosed) -> Self {
        Self(Arc::new(Mutex::new(disclosed)))
    }

    /// Whether there is another handle to this account.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// A copy of the current state, for storage.
    pub fn disclosed(&self) -> Disclosed {
        self.lock().clone()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Disclosed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
