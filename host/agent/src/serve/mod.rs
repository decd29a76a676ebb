//! Serving one call: its path from request to answer, and the records that it leaves.

mod answer;
mod audited;
pub(crate) mod delegated_calls;
pub(crate) mod denials;
pub(crate) mod host_context;
pub(crate) mod inbound;
pub(crate) mod leaks;
pub(crate) mod receipt_reading;
pub(crate) mod receipts;
pub(crate) mod record;
pub(crate) mod stream;
