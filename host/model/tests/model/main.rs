//! The endpoint against a provider that does everything wrong, over real sockets on this machine.

#![cfg(test)]

mod faults;
mod good;
mod provider;
mod retries;
