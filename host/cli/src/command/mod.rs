//! The commands, one file each: what it takes, what it does, what it prints.

pub(crate) mod audit;
pub(crate) mod call;
pub(crate) mod cancel;
pub(crate) mod compile;
pub(crate) mod completions;
pub(crate) mod connect;
pub(crate) mod doctor;
pub(crate) mod group;
pub(crate) mod init;
mod input;
pub(crate) mod inspect;
pub(crate) mod invite;
pub(crate) mod llm;
pub(crate) mod peers;
pub(crate) mod ping;
mod reached;
pub(crate) mod receipts;
pub(crate) mod relay;
pub(crate) mod request;
pub(crate) mod result;
pub(crate) mod serve;
pub(crate) mod skill;
pub(crate) mod status;
pub(crate) mod tasks;
pub(crate) mod trust;
pub(crate) mod version;
pub(crate) mod wrap;
