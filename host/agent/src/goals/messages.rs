use coworker_channel::{Message, PlanNews};
use coworker_policy::{PeerId, RequestId};

use crate::state::{StateError, Transaction};

pub(super) fn tell(
    tx: &mut Transaction<'_>,
    peer: PeerId,
    goal: RequestId,
    news: PlanNews,
) -> Result<(), StateError> {
    tx.post(peer, &Message::Plan { id: RequestId::random(), goal, news })
}
