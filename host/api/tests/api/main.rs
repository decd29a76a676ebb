//! The owner's API: its documentation, its schemas and the socket protocol, over a made-up agent.
#![cfg(test)]

mod conversation;
mod documents;
mod harness;
mod hostile;
