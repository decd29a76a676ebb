//! The endpoint against a misbehaving provider, over real sockets on loopback.

#![cfg(test)]

mod faults;
mod good;
mod provider;
mod retries;
