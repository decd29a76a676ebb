//! Connections to peers: dialling, redialling, direct endpoints, and questions that wait for an answer.

pub(crate) mod connection;
pub(crate) mod direct;
pub(crate) mod invite;
pub(crate) mod nearby;
pub(crate) mod outbound;
pub(crate) mod redial;
pub(crate) mod requests;
pub(crate) mod signatures;
pub(crate) mod waiting;
