//! What everything else stands on: the clock, errors, and the data directory with its configuration.

pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod environment;
pub(crate) mod error;
pub(crate) mod home;
pub(crate) mod observer;
