//! Hostile guests, one per limit. Each is stopped with a typed outcome while the host goes on serving.

mod cache;
mod capability;
mod files;
mod harness;
mod limits;
mod results;
mod stop;
