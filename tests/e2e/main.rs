//! End to end: the real program, one process per agent, real sockets on this machine, no internet.
//! What one agent does alone is in `host/cli/tests`.

#![cfg(test)]

mod author;
mod bad_input;
mod calls;
mod consent;
mod crash;
mod demo;
mod goals;
mod groups;
mod guest;
mod kill;
mod llm;
mod motion;
mod namespaces;
mod policy;
mod receipts;
mod requests;
mod secrets;
mod serving;
mod skill_md;
mod stage;
mod trust;
mod wire;
