//! The error of operations, as this crate calls it.

pub(crate) use coworker_api::ApiError as OpError;
