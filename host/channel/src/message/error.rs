use coworker_policy::{MessageKind, RequestId, Text};

use super::json::MAX_KIND;
use crate::limits::MAX_MESSAGE;

/// Most cards in one `capabilities` message.
pub const MAX_CARDS: usize = 1024;
/// Longest skill name in a request, in bytes. The listing gate checks whether the skill exists.
pub const MAX_SKILL: usize = 256;

/// A malformed message, with the kind and id as far as they could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a malformed message of kind {kind:?}")]
pub struct BadMessage {
    pub(super) kind: MessageKind,
    pub(super) id: Option<RequestId>,
    #[source]
    pub(super) fault: MessageFault,
}

impl BadMessage {
    /// The kind, or `Unknown` if it could not be read. Check it before answering: two agents that answer each
    /// other's malformed answers would never stop.
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    pub fn id(&self) -> Option<RequestId> {
        self.id
    }

    pub fn fault(&self) -> &MessageFault {
        &self.fault
    }
}

/// The reason why a message is malformed. For the owner's log only, because it quotes the peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageFault {
    #[error("it has {size} bytes; at most {MAX_MESSAGE} are allowed")]
    TooLarge { size: usize },
    #[error("it is not a JSON object of the expected shape: {0}")]
    Json(Text),
    #[error("its type is missing or not a text of at most {MAX_KIND} bytes")]
    Type,
    #[error("its id is missing or not a UUID with hyphens")]
    Id,
    #[error("its skill has more than {MAX_SKILL} bytes")]
    Skill,
    #[error("it has no list of cards, or more than {MAX_CARDS} cards")]
    Cards,
    #[error("its receipt or signature has the wrong size or encoding")]
    Receipt,
    #[error("its token is not an invite token")]
    Token,
    #[error("its direct card is too long or malformed")]
    DirectCard,
    #[error("{0}")]
    Group(&'static str),
    #[error("{0}")]
    Plan(&'static str),
    #[error("the schema or version of card {index} is too long or malformed")]
    Card { index: usize },
}
