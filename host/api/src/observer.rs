use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::update::Update;

/// Updates that wait for their reader.
const QUEUE: usize = 64;

/// The caller of a running operation: hears its updates, and may cancel it. The default one hears nothing and never
/// cancels.
#[derive(Clone, Debug, Default)]
pub struct CallObserver {
    updates: Option<mpsc::Sender<Update>>,
    cancel: CancellationToken,
}

impl CallObserver {
    /// An observer whose updates arrive at the returned receiver, and which cancels by `cancel`.
    pub fn new(cancel: CancellationToken) -> (Self, mpsc::Receiver<Update>) {
        let (updates, heard) = mpsc::channel(QUEUE);
        (Self { updates: Some(updates), cancel }, heard)
    }

    /// An observer that hears nothing, and cancels by `cancel`.
    pub fn silent(cancel: CancellationToken) -> Self {
        Self { updates: None, cancel }
    }

    /// Returns once the caller no longer wants the answer.
    pub async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Sends an update. Waits while the queue is full, until `over`: from then on an update without room is dropped.
    pub async fn tell(&self, update: Update, over: &CancellationToken) {
        let Some(updates) = &self.updates else { return };
        let room = tokio::select! {
            biased;
            room = updates.reserve() => room.ok(),
            () = over.cancelled() => None,
        };
        if let Some(room) = room {
            room.send(update);
        }
    }
}
