//! Messages about groups, which members and stewards send in their direct sessions.

use std::borrow::Cow;
use std::fmt;

use coworker_policy::{GroupId, MessageKind, PeerId, RequestId, Text};
use data_encoding::BASE64;
use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::Message;
use super::error::MessageFault;
use super::json::{self, Empty, parse};
use crate::group_log::{GroupPosition, LogEntry, LogHead, Logged, Term};
use crate::group_name::GroupName;
use crate::limits::{MAX_COMMIT, MAX_MEMBERS, MAX_SEALED, MAX_WELCOME};

/// Largest key package in a message, in bytes.
const MAX_KEY_PACKAGE: usize = 16 * 1024;

/// The content of a message about a group. The group's id is in the message, the sender in the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupNews {
    /// The sender, a steward, invites us.
    Invite {
        name: GroupName,
        /// The current members, as the steward reports them.
        members: Vec<PeerId>,
    },
    /// Accepts an invite, or asks for readmission.
    Join { key_package: Vec<u8> },
    /// Answers `Join`: the receiver is a member now.
    Welcome { entry: LogEntry, welcome: Vec<u8> },
    /// A commit of the log, sent when it is made or in answer to `History`.
    Commit(Logged),
    /// A member's key rotation, for the steward to log.
    Update { commit: Vec<u8> },
    /// A message that a member sealed to the group.
    Sealed { sealed: Vec<u8> },
    /// The sender cannot read the `Sealed` with this id and asks to seal it again.
    Unread,
    /// The sender's position. Its group is the message's.
    Position(GroupPosition),
    /// Requests the log starting at this epoch.
    History { from: u64 },
    /// Declines an invite, or asks to be removed from the group.
    Leave,
}

const INVITE: &str = "group_invite";
const JOIN: &str = "group_join";
const WELCOME: &str = "group_welcome";
const COMMIT: &str = "group_commit";
const UPDATE: &str = "group_update";
const SEALED: &str = "group_sealed";
const UNREAD: &str = "group_unread";
const POSITION: &str = "group_position";
const HISTORY: &str = "group_history";
const LEAVE: &str = "group_leave";
/// Sealed to a group, for its members.
const MESSAGE: &str = "group_message";

#[derive(Serialize, Deserialize)]
struct Of<T> {
    group: GroupId,
    #[serde(flatten)]
    rest: T,
}

#[derive(Deserialize)]
struct OnlyGroup {
    group: GroupId,
}

#[derive(Serialize, Deserialize)]
struct InviteWire<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    members: Vec<PeerId>,
}

#[derive(Serialize, Deserialize)]
struct JoinWire {
    key_package: Blob<MAX_KEY_PACKAGE>,
}

#[derive(Serialize, Deserialize)]
struct WelcomeWire {
    entry: Blob<{ LogEntry::LENGTH }>,
    welcome: Blob<MAX_WELCOME>,
}

#[derive(Serialize, Deserialize)]
struct CommitWire {
    entry: Blob<{ LogEntry::LENGTH }>,
    commit: Blob<MAX_COMMIT>,
}

#[derive(Serialize, Deserialize)]
struct UpdateWire {
    commit: Blob<MAX_COMMIT>,
}

#[derive(Serialize, Deserialize)]
struct SealedWire {
    sealed: Blob<MAX_SEALED>,
}

#[derive(Serialize, Deserialize)]
struct PositionWire {
    epoch: u64,
    term: u64,
    steward: PeerId,
    head: Blob<32>,
    authenticator: Blob<32>,
}

#[derive(Serialize, Deserialize)]
struct HistoryWire {
    from: u64,
}

#[derive(Serialize, Deserialize)]
struct TextWire {
    text: Text,
}

/// At most `MAX` bytes as base64 (RFC 4648, with padding).
struct Blob<const MAX: usize>(Vec<u8>);

impl<const MAX: usize> Blob<MAX> {
    fn array<const N: usize>(self) -> Result<[u8; N], MessageFault> {
        self.0.try_into().map_err(|_| MessageFault::Group("one of its values has the wrong length"))
    }
}

impl<const MAX: usize> Serialize for Blob<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Blob<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Base64::<MAX>)
    }
}

struct Base64<const MAX: usize>;

impl<const MAX: usize> Visitor<'_> for Base64<MAX> {
    type Value = Blob<MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MAX} bytes in base64")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Blob<MAX>, E> {
        let wrong = || E::invalid_value(de::Unexpected::Other("other text"), &self);
        // A peer chooses this length, so it is checked before we decode.
        if text.len() > BASE64.encode_len(MAX) {
            return Err(wrong());
        }
        let bytes = BASE64.decode(text.as_bytes()).map_err(|_| wrong())?;
        if bytes.len() <= MAX { Ok(Blob(bytes)) } else { Err(wrong()) }
    }
}

impl GroupNews {
    pub(super) fn kind(&self) -> MessageKind {
        if matches!(self, Self::Invite { .. }) { MessageKind::GroupInvite } else { MessageKind::Group }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Invite { .. } => INVITE,
            Self::Join { .. } => JOIN,
            Self::Welcome { .. } => WELCOME,
            Self::Commit(_) => COMMIT,
            Self::Update { .. } => UPDATE,
            Self::Sealed { .. } => SEALED,
            Self::Unread => UNREAD,
            Self::Position(_) => POSITION,
            Self::History { .. } => HISTORY,
            Self::Leave => LEAVE,
        }
    }
}

pub(super) fn encode_text(id: RequestId, text: &Text) -> Vec<u8> {
    json::encode(MESSAGE, Some(id), TextWire { text: text.clone() })
}

pub(super) fn encode(id: RequestId, group: GroupId, news: &GroupNews) -> Vec<u8> {
    match news {
        GroupNews::Invite { name, members } => {
            let name = name.as_str().into();
            of(id, group, news, InviteWire { name, members: members.clone() })
        }
        GroupNews::Join { key_package } => {
            of(id, group, news, JoinWire { key_package: Blob(key_package.clone()) })
        }
        GroupNews::Welcome { entry, welcome } => {
            let (entry, welcome) = (Blob(entry.encode()), Blob(welcome.clone()));
            of(id, group, news, WelcomeWire { entry, welcome })
        }
        GroupNews::Commit(Logged { entry, commit }) => {
            let (entry, commit) = (Blob(entry.encode()), Blob(commit.clone()));
            of(id, group, news, CommitWire { entry, commit })
        }
        GroupNews::Update { commit } => of(id, group, news, UpdateWire { commit: Blob(commit.clone()) }),
        GroupNews::Sealed { sealed } => of(id, group, news, SealedWire { sealed: Blob(sealed.clone()) }),
        GroupNews::Position(position) => of(id, group, news, position_wire(position)),
        GroupNews::History { from } => of(id, group, news, HistoryWire { from: *from }),
        GroupNews::Unread | GroupNews::Leave => of(id, group, news, Empty {}),
    }
}

fn of(id: RequestId, group: GroupId, news: &GroupNews, rest: impl Serialize) -> Vec<u8> {
    json::encode(news.name(), Some(id), Of { group, rest })
}

fn position_wire(position: &GroupPosition) -> PositionWire {
    PositionWire {
        epoch: position.epoch,
        term: position.term.number(),
        steward: position.steward,
        head: Blob(position.head.as_bytes().to_vec()),
        authenticator: Blob(position.authenticator.to_vec()),
    }
}

/// Returns the kind of a message type, or `None` if it is not about groups.
pub(super) fn kind(name: &str) -> Option<MessageKind> {
    match name {
        INVITE => Some(MessageKind::GroupInvite),
        JOIN | WELCOME | COMMIT | UPDATE | SEALED | UNREAD | POSITION | HISTORY | LEAVE | MESSAGE => {
            Some(MessageKind::Group)
        }
        _ => None,
    }
}

/// Reads a message of a type that [`kind`] knows.
pub(super) fn decode(name: &str, id: Option<RequestId>, bytes: &[u8]) -> Result<Message, MessageFault> {
    let id = id.ok_or(MessageFault::Id)?;
    if name == MESSAGE {
        let TextWire { text } = parse(bytes)?;
        return Ok(Message::GroupMessage { id, text });
    }
    let OnlyGroup { group } = parse(bytes)?;
    Ok(Message::Group { id, group, news: Box::new(news(name, group, bytes)?) })
}

fn news(name: &str, group: GroupId, bytes: &[u8]) -> Result<GroupNews, MessageFault> {
    Ok(match name {
        INVITE => invite(parse(bytes)?)?,
        JOIN => {
            let JoinWire { key_package } = parse(bytes)?;
            GroupNews::Join { key_package: key_package.0 }
        }
        WELCOME => {
            let WelcomeWire { entry, welcome } = parse(bytes)?;
            GroupNews::Welcome { entry: entry_of(group, &entry.0)?, welcome: welcome.0 }
        }
        COMMIT => {
            let CommitWire { entry, commit } = parse(bytes)?;
            GroupNews::Commit(Logged { entry: entry_of(group, &entry.0)?, commit: commit.0 })
        }
        UPDATE => {
            let UpdateWire { commit } = parse(bytes)?;
            GroupNews::Update { commit: commit.0 }
        }
        SEALED => {
            let SealedWire { sealed } = parse(bytes)?;
            GroupNews::Sealed { sealed: sealed.0 }
        }
        POSITION => position(group, parse(bytes)?)?,
        HISTORY => {
            let HistoryWire { from } = parse(bytes)?;
            GroupNews::History { from }
        }
        UNREAD => GroupNews::Unread,
        LEAVE => GroupNews::Leave,
        _ => return Err(MessageFault::Type),
    })
}

fn invite(wire: InviteWire<'_>) -> Result<GroupNews, MessageFault> {
    if wire.members.len() > MAX_MEMBERS {
        return Err(MessageFault::Group("it names too many members"));
    }
    let name = wire.name.parse().map_err(|_| MessageFault::Group("its name is not a valid group name"))?;
    Ok(GroupNews::Invite { name, members: wire.members })
}

fn entry_of(group: GroupId, bytes: &[u8]) -> Result<LogEntry, MessageFault> {
    let entry = LogEntry::decode(bytes).map_err(|_| MessageFault::Group("its log entry is not valid"))?;
    if entry.group() == group {
        Ok(entry)
    } else {
        Err(MessageFault::Group("its log entry belongs to another group"))
    }
}

fn position(group: GroupId, wire: PositionWire) -> Result<GroupNews, MessageFault> {
    Ok(GroupNews::Position(GroupPosition {
        group,
        epoch: wire.epoch,
        term: Term::from_number(wire.term),
        steward: wire.steward,
        head: LogHead::from_bytes(wire.head.array()?),
        authenticator: wire.authenticator.array()?,
    }))
}
