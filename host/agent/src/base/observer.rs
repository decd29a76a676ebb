//! Who asked for an operation: they hear what happens while it runs, and may call it off.

use coworker_policy::{RequestId, Text};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::ops::GoalUpdate;

/// Updates that may wait to be heard.
const QUEUE: usize = 64;

/// What happens while an operation runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Update {
    /// How far a call is; reports may be left out.
    Progress {
        id: RequestId,
        /// 0 to 100.
        percent: u8,
        note: Text,
    },
    /// A part of a call's output, before the whole, which comes in any case.
    Partial {
        id: RequestId,
        /// Counts from 0. A gap says that parts were lost, a smaller one than before that the call began anew.
        index: u64,
        /// The skill's words, as they are: show them escaped.
        part: String,
    },
    /// What changed in a goal of ours.
    Goal(Box<GoalUpdate>),
}

/// The default one hears nothing and never calls off.
#[derive(Clone, Debug, Default)]
pub struct CallObserver {
    updates: Option<mpsc::Sender<Update>>,
    cancel: CancellationToken,
}

impl CallObserver {
    /// One who hears updates from the second part, and calls off by `cancel`.
    pub fn new(cancel: CancellationToken) -> (Self, mpsc::Receiver<Update>) {
        let (updates, heard) = mpsc::channel(QUEUE);
        (Self { updates: Some(updates), cancel }, heard)
    }

    /// One who hears nothing, and calls off by `cancel`.
    pub(crate) fn silent(cancel: CancellationToken) -> Self {
        Self { updates: None, cancel }
    }

    /// Returns when the answer is no longer wanted.
    pub(crate) async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }

    /// Waits while too many updates wait, but not once it is `over`: then what finds no room is dropped.
    pub(crate) async fn tell(&self, update: Update, over: &CancellationToken) {
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
