//! `coworker:skill/log`, stdout and stderr: the guest's messages to the owner, up to a number of bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use coworker_policy::Capability;
use wasmtime::component::{HasData, Linker};

use crate::access::Access;
use crate::bindings::coworker::skill::log::{Host, Level, add_to_linker};

/// One call's log, shared by everything the guest can write to.
#[derive(Clone)]
pub(crate) struct CallLog(Arc<Mutex<Buffer>>);

struct Buffer {
    kept: Vec<u8>,
    cap: usize,
    written: usize,
}

impl CallLog {
    /// Keeps the first `cap` bytes.
    pub(crate) fn new(cap: usize) -> Self {
        Self(Arc::new(Mutex::new(Buffer { kept: Vec::new(), cap, written: 0 })))
    }

    pub(crate) fn write(&self, bytes: &[u8]) {
        let mut buffer = self.buffer();
        let room = buffer.cap - buffer.kept.len();
        buffer.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        buffer.written = buffer.written.saturating_add(bytes.len());
    }

    /// All bytes written, including those that were dropped.
    pub(crate) fn written(&self) -> usize {
        self.buffer().written
    }

    /// The text that was kept, with a last line that counts the dropped bytes.
    pub(crate) fn text(&self) -> String {
        let buffer = self.buffer();
        let kept = String::from_utf8_lossy(&buffer.kept);
        match buffer.written - buffer.kept.len() {
            dropped if dropped > 0 && buffer.cap > 0 => {
                format!("{kept}\n[{dropped} more bytes were dropped]\n")
            }
            _ => kept.into_owned(),
        }
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The interface during one host call.
pub(crate) struct LogHost<'a> {
    pub(crate) access: &'a Access,
    pub(crate) log: &'a CallLog,
}

struct HasLog;

impl HasData for HasLog {
    type Data<'a> = LogHost<'a>;
}

pub(crate) fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    host: fn(&mut T) -> LogHost<'_>,
) -> wasmtime::Result<()> {
    add_to_linker::<T, HasLog>(linker, host)
}

impl Host for LogHost<'_> {
    async fn log(&mut self, level: Level, message: String) {
        if !self.access.enter(Capability::Log).await {
            return;
        }
        self.log.write(name(level).as_bytes());
        self.log.write(message.as_bytes());
        self.log.write(b"\n");
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
