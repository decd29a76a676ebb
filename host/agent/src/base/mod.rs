//! The ground under every other room: the clock, errors, and the data directory with its configuration.

pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod core;
pub(crate) mod environment;
pub(crate) mod error;
pub(crate) mod home;
pub(crate) mod observer;
pub(crate) mod time;
pub(crate) mod typed;
