//! Serving one call: its path from the request to the answer, and the records that it leaves.

mod answer;
mod audited;
pub(crate) mod calls;
mod delegated_calls;
mod denials;
mod failure;
mod host_context;
pub(crate) mod inbound;
pub(crate) mod leaks;
mod on_served;
mod pseudonyms;
pub(crate) mod receipt_reading;
pub(crate) mod receipts;
pub(crate) mod record;
pub(crate) mod request;
mod served;
pub(crate) mod stream;

pub(crate) use on_served::{OnServed, ServedCall};
