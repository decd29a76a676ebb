pub(crate) use coworker_api::{CallObserver, Update};
