//! `coworker:skill/log`, stdout and stderr: the guest's words to the owner, up to a number of bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use coworker_policy::Capability;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::coworker::skill::log::{Host, Level, add_to_linker};
use crate::guest::Guest;

/// One call's log, shared by everything the guest can write to.
#[derive(Clone)]
pub(crate) struct Journal(Arc<Mutex<Page>>);

struct Page {
    kept: Vec<u8>,
    cap: usize,
    seen: usize,
}

impl Journal {
    /// Keeps the first `cap` bytes; a journal of 0 keeps none.
    pub(crate) fn new(cap: usize) -> Self {
        Self(Arc::new(Mutex::new(Page { kept: Vec::new(), cap, seen: 0 })))
    }

    pub(crate) fn write(&self, bytes: &[u8]) {
        let mut page = self.page();
        let room = page.cap - page.kept.len();
        page.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        page.seen = page.seen.saturating_add(bytes.len());
    }

    /// All bytes written, those that were dropped included.
    pub(crate) fn seen(&self) -> usize {
        self.page().seen
    }

    /// What was kept, and a last line that says how much was not.
    pub(crate) fn text(&self) -> String {
        let page = self.page();
        let kept = String::from_utf8_lossy(&page.kept);
        match page.seen - page.kept.len() {
            dropped if dropped > 0 && page.cap > 0 => {
                format!("{kept}\n[{dropped} more bytes were dropped]\n")
            }
            _ => kept.into_owned(),
        }
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}

impl Host for Guest {
    async fn log(&mut self, level: Level, message: String) {
        if !self.enter(Capability::Log).await {
            return;
        }
        self.journal.write(name(level).as_bytes());
        self.journal.write(message.as_bytes());
        self.journal.write(b"\n");
    }
}

const fn name(level: Level) -> &'static str {
    match level {
        Level::Trace => "TRACE ",
        Level::Debug => "DEBUG ",
        Level::Info => "INFO ",
        Level::Warn => "WARN ",
        Level::Error => "ERROR ",
    }
}
