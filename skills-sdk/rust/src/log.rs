//! The skill's log, which only the owner sees. The host limits its size.
//!
//! Outside of `wasm32`, where tests run, messages are dropped.

use crate::bindings::coworker::skill::log::{Level, log};

pub fn trace(message: &str) {
    write(Level::Trace, message);
}

pub fn debug(message: &str) {
    write(Level::Debug, message);
}

pub fn info(message: &str) {
    write(Level::Info, message);
}

pub fn warn(message: &str) {
    write(Level::Warn, message);
}

pub fn error(message: &str) {
    write(Level::Error, message);
}

fn write(level: Level, message: &str) {
    if cfg!(target_arch = "wasm32") {
        log(level, message);
    }
}
