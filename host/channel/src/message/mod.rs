mod direct;
mod group;
mod part_of;
mod plan;
mod receipt;
mod wire;

use coworker_policy::trust::InviteToken;
use coworker_policy::{
    AgentName, Card, Digest, ErrorCode, GroupId, MessageKind, RequestId, Text, Tier, VersionPin,
};

use crate::receipt::{JsonText, Signature};

pub use direct::{DirectCard, KNOCK, MAX_ADDRESSES};
pub use group::GroupNews;
pub use part_of::{Delegation, GoalStep, PartOf};
pub use plan::{GoalOutcome, KeyResultCount, MAX_KEY_RESULTS, MAX_OFFER, PlanNews};

/// Largest message, in bytes of JSON.
pub const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// Most cards in one `capabilities` message.
pub const MAX_CARDS: usize = 1024;
/// Longest name of a skill in a request, in bytes. Whether it can be a skill is the listing's question.
pub const MAX_SKILL: usize = 256;

/// What agents say to each other. Who said it is not in here: that is the MLS sender.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    Ping {
        id: RequestId,
    },
    Pong {
        id: RequestId,
    },
    Discover {
        id: RequestId,
        /// What the asking agent calls itself.
        name: Option<AgentName>,
        /// The hash of the list of cards that the asking agent still has.
        known: Option<Digest>,
    },
    Capabilities {
        id: RequestId,
        name: AgentName,
        cards: Vec<Card>,
    },
    /// The cards are those that the asking agent said it has.
    CapabilitiesUnchanged {
        id: RequestId,
        name: AgentName,
    },
    TaskRequest {
        id: RequestId,
        skill: String,
        /// JSON text, as the caller wrote it. Text that is no JSON is sent as a JSON string.
        input: String,
        /// How long the caller waits for the answer, in milliseconds.
        timeout_ms: Option<u64>,
        /// When it is too late to begin, in milliseconds since the Unix epoch, by the caller's clock. It need
        /// not be there in the meantime.
        expires_ms: Option<i64>,
        /// Which versions of the skill the caller takes.
        version: Option<VersionPin>,
        part_of: PartOf,
    },
    TaskResponse {
        id: RequestId,
        /// As the provider wrote it: its hash is in the receipt.
        output: JsonText,
    },
    TaskError {
        id: RequestId,
        /// `Internal` where the peer sent a code that we do not know.
        code: ErrorCode,
        message: Text,
    },
    /// How far a task is. It may be lost on the way.
    TaskProgress {
        id: RequestId,
        /// 0 to 100; a higher number that a peer sends counts as 100.
        percent: u8,
        note: Text,
    },
    /// A part of a task's output, before the whole.
    TaskPartial {
        id: RequestId,
        /// Counts from 0. A gap says that parts were lost, a smaller one than before that the task began anew.
        index: u64,
        /// The skill's words, as they are.
        part: String,
    },
    /// The caller no longer wants a task's answer.
    TaskCancel {
        id: RequestId,
    },
    TrustRequest {
        id: RequestId,
        tier: Tier,
        reason: Text,
    },
    TrustGrant {
        id: RequestId,
        tier: Tier,
    },
    TrustDeny {
        id: RequestId,
    },
    /// Asks for what an invite is worth.
    TrustRedeem {
        id: RequestId,
        token: InviteToken,
    },
    /// The provider's draft of a call's receipt. Not yet read.
    TaskReceipt {
        id: RequestId,
        envelope: Vec<u8>,
    },
    /// The caller's signature for the draft.
    TaskCountersigned {
        id: RequestId,
        signature: Signature,
    },
    /// How the sender is reached directly.
    DirectCard {
        id: RequestId,
        /// Boxed: few messages are cards.
        card: Box<DirectCard>,
        /// The sender holds no card of ours, and asks for it.
        ask: bool,
    },
    /// About a group, between two agents.
    Group {
        id: RequestId,
        group: GroupId,
        /// Boxed: a log entry would make every message large.
        news: Box<GroupNews>,
    },
    /// What somebody says in a group, to its members: sealed to the group, never sent on its own.
    GroupMessage {
        id: RequestId,
        text: Text,
    },
    /// About a goal that two agents work on together.
    Plan {
        id: RequestId,
        goal: RequestId,
        news: PlanNews,
    },
    Error {
        /// The message that went wrong, if it had an id that could be read.
        id: Option<RequestId>,
        code: ErrorCode,
        message: Text,
    },
    /// A newer peer's.
    Unknown {
        kind: Text,
        id: Option<RequestId>,
    },
}

impl Message {
    pub fn kind(&self) -> MessageKind {
        match self {
            Self::Ping { .. } => MessageKind::Ping,
            Self::Pong { .. } => MessageKind::Pong,
            Self::Discover { .. } => MessageKind::Discover,
            Self::Capabilities { .. } | Self::CapabilitiesUnchanged { .. } => MessageKind::Capabilities,
            Self::TaskRequest { .. } => MessageKind::TaskRequest,
            Self::TaskResponse { .. } => MessageKind::TaskResponse,
            Self::TaskError { .. } => MessageKind::TaskError,
            Self::TaskProgress { .. } => MessageKind::TaskProgress,
            Self::TaskPartial { .. } => MessageKind::TaskPartial,
            Self::TaskCancel { .. } => MessageKind::TaskCancel,
            Self::TrustRequest { .. } => MessageKind::TrustRequest,
            Self::TrustGrant { .. } => MessageKind::TrustGrant,
            Self::TrustDeny { .. } => MessageKind::TrustDeny,
            Self::TrustRedeem { .. } => MessageKind::TrustRedeem,
            Self::TaskReceipt { .. } => MessageKind::TaskReceipt,
            Self::TaskCountersigned { .. } => MessageKind::TaskCountersigned,
            Self::DirectCard { .. } => MessageKind::DirectCard,
            Self::Group { news, .. } => news.kind(),
            Self::GroupMessage { .. } => MessageKind::Group,
            Self::Plan { news, .. } => news.kind(),
            Self::Error { .. } => MessageKind::Error,
            Self::Unknown { .. } => MessageKind::Unknown,
        }
    }

    /// The id of the question that this is, answers, or is about.
    pub fn id(&self) -> Option<RequestId> {
        match self {
            Self::Ping { id }
            | Self::Pong { id }
            | Self::Discover { id, .. }
            | Self::Capabilities { id, .. }
            | Self::CapabilitiesUnchanged { id, .. }
            | Self::TaskRequest { id, .. }
            | Self::TaskResponse { id, .. }
            | Self::TaskError { id, .. }
            | Self::TaskProgress { id, .. }
            | Self::TaskPartial { id, .. }
            | Self::TaskCancel { id }
            | Self::TrustRequest { id, .. }
            | Self::TrustGrant { id, .. }
            | Self::TrustDeny { id }
            | Self::TrustRedeem { id, .. }
            | Self::TaskReceipt { id, .. }
            | Self::TaskCountersigned { id, .. }
            | Self::DirectCard { id, .. }
            | Self::Group { id, .. }
            | Self::GroupMessage { id, .. }
            | Self::Plan { id, .. } => Some(*id),
            Self::Error { id, .. } | Self::Unknown { id, .. } => *id,
        }
    }

    /// The message as JSON. One above [`MAX_MESSAGE`] is refused where it is sealed.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, BadMessage> {
        wire::decode(bytes)
    }
}

/// A message that cannot be acted on, with what could be read of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a malformed message of kind {kind:?}")]
pub struct BadMessage {
    pub(crate) kind: MessageKind,
    pub(crate) id: Option<RequestId>,
    #[source]
    pub(crate) fault: MessageFault,
}

impl BadMessage {
    /// `Unknown` if it could not be read. Answers to malformed answers would never end: look here first.
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

/// What is wrong with a message. For the owner's log; it quotes the peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageFault {
    #[error("it has {size} bytes; at most {MAX_MESSAGE} are allowed")]
    TooLarge { size: usize },
    #[error("it is not a JSON object of the expected shape: {0}")]
    Json(Text),
    #[error("its type is missing or not a text of at most {max} bytes", max = wire::MAX_KIND)]
    Type,
    #[error("its id is missing or not a UUID with hyphens")]
    Id,
    #[error("its skill has more than {MAX_SKILL} bytes")]
    Skill,
    #[error("it has no list of cards, or more than {MAX_CARDS}")]
    Cards,
    #[error("its receipt or signature is not of the size that it has to be")]
    Receipt,
    #[error("its token is not the one of an invite")]
    Token,
    #[error("its card of a direct door is too long or wrong")]
    DirectCard,
    #[error("{0}")]
    Group(&'static str),
    #[error("{0}")]
    Plan(&'static str),
    #[error("card {index} has a schema or version that is too long or wrong")]
    Card { index: usize },
}
