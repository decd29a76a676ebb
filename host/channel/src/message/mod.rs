//! The messages of agents, as types and as JSON.

mod direct;
mod error;
mod group;
mod json;
mod part_of;
mod plan;
mod receipt;
mod wire;

use coworker_policy::trust::InviteToken;
use coworker_policy::{
    AgentName, Card, Digest, ErrorCode, GroupId, MessageKind, RequestId, Text, Tier, VersionPin,
};

use crate::receipt::{JsonText, Signature};

pub use direct::{ADMISSION_TOKEN_BYTES, DirectCard, MAX_ADDRESSES};
pub use error::{BadMessage, MAX_CARDS, MAX_SKILL, MessageFault};
pub use group::GroupNews;
pub use part_of::{Delegation, GoalStep, PartOf};
pub use plan::{GoalOutcome, KeyResultCount, MAX_KEY_RESULTS, MAX_OFFER, PlanNews};

/// A message between agents. It has no sender field, because the MLS sender is the only authenticated one.
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
        /// The asking agent's own name.
        name: Option<AgentName>,
        /// The hash of the list of cards that the asking agent has cached.
        known: Option<Digest>,
    },
    Capabilities {
        id: RequestId,
        name: AgentName,
        cards: Vec<Card>,
    },
    /// The cards are the ones that the asking agent has cached.
    CapabilitiesUnchanged {
        id: RequestId,
        name: AgentName,
    },
    TaskRequest {
        id: RequestId,
        skill: String,
        /// JSON text, exactly as the caller wrote it. Text that is not JSON is sent as a JSON string.
        input: String,
        /// How long the caller waits for the answer, in milliseconds.
        timeout_ms: Option<u64>,
        /// The latest time to start the task, in milliseconds since the Unix epoch by the caller's clock. The caller
        /// need not stay connected until then.
        expires_ms: Option<i64>,
        /// The versions of the skill that the caller accepts.
        version: Option<VersionPin>,
        part_of: PartOf,
    },
    TaskResponse {
        id: RequestId,
        /// Exactly as the provider wrote it, because its hash is in the receipt.
        output: JsonText,
    },
    TaskError {
        id: RequestId,
        /// `Internal` if the peer sent an unknown code.
        code: ErrorCode,
        message: Text,
    },
    /// The progress of a task. It may be lost.
    TaskProgress {
        id: RequestId,
        /// 0 to 100. A higher number from a peer counts as 100.
        percent: u8,
        note: Text,
    },
    /// A part of a task's output, sent before the complete output.
    TaskPartial {
        id: RequestId,
        /// Counts from 0. A gap means that parts were lost. A lower index than before means that the task restarted.
        index: u64,
        /// Text from the skill, unchanged.
        part: String,
    },
    /// Cancels a task of the sender.
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
    /// Redeems the grant of an invite.
    TrustRedeem {
        id: RequestId,
        token: InviteToken,
    },
    /// The provider's draft of a call's receipt, not yet verified.
    TaskReceipt {
        id: RequestId,
        envelope: Vec<u8>,
    },
    /// The caller's signature for the draft.
    TaskCountersigned {
        id: RequestId,
        signature: Signature,
    },
    /// Tells how to reach the sender's direct endpoint.
    DirectCard {
        id: RequestId,
        /// Boxed, because few messages are direct cards.
        card: Box<DirectCard>,
        /// The sender has no card of ours and asks for one.
        ask: bool,
    },
    /// A message about a group, between two agents.
    Group {
        id: RequestId,
        group: GroupId,
        /// Boxed, because a log entry would make every message large.
        news: Box<GroupNews>,
    },
    /// A text for the members of a group. It is sealed to the group and never sent on its own.
    GroupMessage {
        id: RequestId,
        text: Text,
    },
    /// A message about a goal that two agents work on together.
    Plan {
        id: RequestId,
        goal: RequestId,
        news: PlanNews,
    },
    Error {
        /// The id of the refused message, if it could be read.
        id: Option<RequestId>,
        code: ErrorCode,
        message: Text,
    },
    /// A message of a type that this version does not know.
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

    /// The id of the request that this message is, answers or refers to.
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

    /// Encodes the message as JSON. Sealing refuses a message above [`MAX_MESSAGE`](crate::MAX_MESSAGE).
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, BadMessage> {
        wire::decode(bytes)
    }
}
