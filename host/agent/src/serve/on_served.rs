use coworker_policy::{PeerId, RequestId};

use crate::state::{StateError, Transaction};

/// A peer's call that ended well.
pub(crate) struct ServedCall<'a> {
    pub(crate) peer: PeerId,
    pub(crate) id: RequestId,
    pub(crate) skill: &'a str,
    /// The request's own words about its goal, as they are kept.
    pub(crate) part_of: Option<&'a str>,
}

/// Is told of each call that ended well, in the transaction of its answer. The goals above this room implement it.
pub(crate) trait OnServed: Send + Sync {
    fn served(&self, tx: &mut Transaction<'_>, call: &ServedCall<'_>) -> Result<(), StateError>;
}
