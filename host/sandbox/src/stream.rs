//! Carries a guest's progress notes and output parts out of the sandbox while it runs. Both have passed the gate.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use coworker_policy::gate::{CheckedNote, CheckedPart, CutNote};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

/// Parts that may wait for the receiver. A guest that sends more waits, within its own deadline.
const PARTS: usize = 64;
/// A guest may report its progress at any rate; the receiver gets the latest note of each such interval.
const NOTE_EVERY: Duration = Duration::from_millis(100);

/// The guest's end of a stream. The default one has no receiver and drops everything.
#[derive(Clone, Debug, Default)]
pub struct StreamSender(Option<Ends>);

#[derive(Clone, Debug)]
struct Ends {
    note: Slot,
    parts: mpsc::Sender<CheckedPart>,
}

/// The caller's end of a stream. It ends when the call is over.
#[derive(Debug)]
pub struct StreamReceiver {
    note: Slot,
    note_due: Instant,
    parts: mpsc::Receiver<CheckedPart>,
}

/// Everything that was sent since the previous batch: the latest note, parts in their order, or both.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct StreamBatch {
    pub note: Option<CheckedNote>,
    /// At most 64; all parts of a call together are no larger than its output may be.
    pub parts: Vec<CheckedPart>,
}

/// Holds the latest note only.
#[derive(Clone, Debug, Default)]
struct Slot(Arc<(Mutex<Option<CutNote>>, Notify)>);

impl StreamSender {
    /// Both ends of a new stream.
    pub fn channel() -> (Self, StreamReceiver) {
        let (note, (sender, parts)) = (Slot::default(), mpsc::channel(PARTS));
        let receiver = StreamReceiver { note: note.clone(), note_due: Instant::now(), parts };
        (Self(Some(Ends { note, parts: sender })), receiver)
    }

    /// Builds the note only if there is a receiver.
    pub(crate) fn note(&self, note: impl FnOnce() -> CutNote) {
        if let Some(ends) = &self.0 {
            ends.note.put(note());
        }
    }

    /// Waits while too many parts wait for the receiver. Drops the part if the receiver is gone.
    pub(crate) async fn part(&self, part: CheckedPart) {
        if let Some(ends) = &self.0 {
            let _ = ends.parts.send(part).await;
        }
    }
}

impl StreamReceiver {
    /// Waits for a note or parts. Returns `None` once the call is over and everything was received. Cancel-safe.
    pub async fn next(&mut self) -> Option<StreamBatch> {
        let mut parts = Vec::new();
        let over = tokio::select! {
            biased;
            count = self.parts.recv_many(&mut parts, PARTS) => count == 0,
            () = self.note.filled_at(self.note_due) => false,
        };
        // The last note is delivered at once, since it may report the end of the work.
        let note = if over || Instant::now() >= self.note_due { self.note.take() } else { None };
        if note.is_some() {
            self.note_due = Instant::now() + NOTE_EVERY;
        }
        (note.is_some() || !parts.is_empty()).then_some(StreamBatch { note, parts })
    }
}

impl Slot {
    fn put(&self, note: CutNote) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(note);
        self.0.1.notify_one();
    }

    fn take(&self) -> Option<CheckedNote> {
        let note = self.0.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        note.map(|note| note.check())
    }

    fn is_filled(&self) -> bool {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    async fn filled_at(&self, due: Instant) {
        while !self.is_filled() {
            self.0.1.notified().await;
        }
        sleep_until(due).await;
    }
}
