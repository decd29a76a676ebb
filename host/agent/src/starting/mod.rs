//! Opens an agent, serves, keeps house, and closes.

pub(crate) mod control;
mod keep_house;
mod open;
mod serving;

pub use open::StartError;
