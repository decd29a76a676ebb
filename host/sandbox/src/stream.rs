//! What a guest tells its caller while it works, on its way out of the sandbox. Only what passed the gate
//! is told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use coworker_policy::gate::{CheckedNote, CheckedPart, CutNote};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

/// Parts that may wait to be heard. A guest that says more waits, within its own time.
const PARTS: usize = 64;
/// A guest may report its progress as often as it likes; the last report of each such span is heard.
const NOTE_EVERY: Duration = Duration::from_millis(100);

/// The guest's end of a stream. The one by `default` has nobody at the other end: what is told is dropped.
#[derive(Clone, Debug, Default)]
pub struct Speaker(Option<Ends>);

#[derive(Clone, Debug)]
struct Ends {
    note: Slot,
    parts: mpsc::Sender<CheckedPart>,
}

/// The other end. It comes to its end when the call is over.
#[derive(Debug)]
pub struct Listener {
    note: Slot,
    note_due: Instant,
    parts: mpsc::Receiver<CheckedPart>,
}

/// What was told since the last time: a report, parts in their order, or both.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub note: Option<CheckedNote>,
    /// At most 64, no more bytes together than the call's output may have.
    pub parts: Vec<CheckedPart>,
}

/// Holds the latest report only.
#[derive(Clone, Debug, Default)]
struct Slot(Arc<(Mutex<Option<CutNote>>, Notify)>);

impl Speaker {
    /// Both ends of a new stream.
    pub fn and_listener() -> (Self, Listener) {
        let (note, (parts, heard)) = (Slot::default(), mpsc::channel(PARTS));
        let listener = Listener { note: note.clone(), note_due: Instant::now(), parts: heard };
        (Self(Some(Ends { note, parts })), listener)
    }

    /// A report is made only where there is somebody to hear it.
    pub(crate) fn note(&self, note: impl FnOnce() -> CutNote) {
        if let Some(ends) = &self.0 {
            ends.note.put(note());
        }
    }

    /// Waits while too many parts wait. Who listens no more hears nothing.
    pub(crate) async fn part(&self, part: CheckedPart) {
        if let Some(ends) = &self.0 {
            let _ = ends.parts.send(part).await;
        }
    }
}

impl Listener {
    /// Waits until something is told; `None` once the call is over and all was heard. What is lost of a
    /// dropped future is nothing.
    pub async fn next(&mut self) -> Option<Told> {
        let mut parts = Vec::new();
        let over = tokio::select! {
            biased;
            count = self.parts.recv_many(&mut parts, PARTS) => count == 0,
            () = self.note.filled_at(self.note_due) => false,
        };
        // The last report is heard whenever it comes: it may say that all is done.
        let note = if over || Instant::now() >= self.note_due { self.note.take() } else { None };
        if note.is_some() {
            self.note_due = Instant::now() + NOTE_EVERY;
        }
        (note.is_some() || !parts.is_empty()).then_some(Told { note, parts })
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
