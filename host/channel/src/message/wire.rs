//! Messages as JSON. The only place that decides which deviations of a peer are tolerated.

use std::borrow::Cow;

use coworker_policy::{AgentName, Card, Digest, MessageKind, RequestId, SkillName, Text, Tier, VersionPin};
use coworker_schema::Schema;
use semver::Version;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::{BadMessage, MAX_CARDS, MAX_SKILL, MessageFault};
use super::json::{self, Empty, MAX_KIND, error_code, parse};
use super::{Message, PartOf, direct, group, plan, receipt};
use crate::limits::MAX_MESSAGE;
use crate::receipt::{self as receipts, JsonText};

/// Longest version of a skill, in bytes.
const MAX_VERSION: usize = 64;

const KINDS: [(MessageKind, &str); 18] = [
    (MessageKind::Ping, "ping"),
    (MessageKind::Pong, "pong"),
    (MessageKind::Discover, "discover"),
    (MessageKind::Capabilities, "capabilities"),
    (MessageKind::TaskRequest, "task_request"),
    (MessageKind::TaskResponse, "task_response"),
    (MessageKind::TaskError, "task_error"),
    (MessageKind::TaskProgress, "task_progress"),
    (MessageKind::TaskPartial, "task_partial"),
    (MessageKind::TaskCancel, "task_cancel"),
    (MessageKind::TrustRequest, "trust_request"),
    (MessageKind::TrustGrant, "trust_grant"),
    (MessageKind::TrustDeny, "trust_deny"),
    (MessageKind::TrustRedeem, "trust_redeem"),
    (MessageKind::TaskReceipt, "task_receipt"),
    (MessageKind::TaskCountersigned, "task_countersigned"),
    (MessageKind::DirectCard, "direct_card"),
    (MessageKind::Error, "error"),
];

/// The fields of every message, read first. If one has the wrong type, the other can still be read.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct CapabilitiesOut<'a> {
    name: &'a AgentName,
    cards: &'a [Card],
}

#[derive(Serialize)]
struct UnchangedOut<'a> {
    name: &'a AgentName,
    unchanged: bool,
}

#[derive(Deserialize)]
struct CapabilitiesIn<'a> {
    name: AgentName,
    #[serde(default)]
    unchanged: bool,
    #[serde(borrow, default)]
    cards: Option<Vec<CardIn<'a>>>,
}

/// A card from a peer. Newer peers may add fields.
#[derive(Deserialize)]
struct CardIn<'a> {
    name: SkillName,
    #[serde(borrow)]
    version: Cow<'a, str>,
    description: Text,
    #[serde(default)]
    when_to_use: Text,
    #[serde(default)]
    category: Text,
    #[serde(borrow)]
    input_schema: &'a RawValue,
    #[serde(borrow)]
    output_schema: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
struct TaskRequestWire<'a> {
    #[serde(borrow)]
    skill: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "raw")]
    input: Cow<'a, RawValue>,
    #[serde(default, rename = "patience_ms", skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<VersionPin>,
    #[serde(default, skip_serializing_if = "PartOf::is_independent")]
    part_of: PartOf,
}

#[derive(Serialize, Deserialize)]
struct TaskResponseWire<T> {
    output: T,
}

#[derive(Serialize, Deserialize)]
struct TaskProgressWire {
    percent: u8,
    #[serde(default)]
    status_text: Text,
}

#[derive(Serialize, Deserialize)]
struct TaskPartialWire<'a> {
    index: u64,
    #[serde(borrow)]
    part: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct FailureWire<'a> {
    #[serde(borrow)]
    code: Cow<'a, str>,
    message: Text,
}

#[derive(Serialize, Deserialize)]
struct TrustRequestWire {
    tier: Tier,
    reason: Text,
}

#[derive(Serialize, Deserialize)]
struct DiscoverWire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<AgentName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known: Option<Digest>,
}

#[derive(Serialize, Deserialize)]
struct TrustGrantWire {
    tier: Tier,
}

/// Borrows the value, which serde's own `Cow` implementation does not.
fn raw<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Cow<'a, RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Cow::Borrowed)
}

pub(super) fn encode(message: &Message) -> Vec<u8> {
    match message {
        Message::Capabilities { name, cards, .. } => object(message, CapabilitiesOut { name, cards }),
        Message::CapabilitiesUnchanged { name, .. } => {
            object(message, UnchangedOut { name, unchanged: true })
        }
        Message::TaskRequest { skill, input, timeout_ms, expires_ms, version, part_of, .. } => object(
            message,
            TaskRequestWire {
                skill: skill.into(),
                input: receipts::raw(input),
                timeout_ms: *timeout_ms,
                expires_ms: *expires_ms,
                version: version.clone(),
                part_of: part_of.clone(),
            },
        ),
        Message::TaskResponse { output, .. } => object(message, TaskResponseWire { output: output.raw() }),
        Message::TaskReceipt { envelope, .. } => object(message, receipt::ReceiptWire::new(envelope)),
        Message::TaskCountersigned { signature, .. } => {
            object(message, receipt::CountersignedWire::new(signature))
        }
        Message::TrustRedeem { token, .. } => object(message, receipt::RedeemWire::new(token)),
        Message::TaskError { code, message: text, .. } | Message::Error { code, message: text, .. } => {
            object(message, FailureWire { code: code.name().into(), message: text.clone() })
        }
        Message::TaskProgress { percent, note, .. } => {
            object(message, TaskProgressWire { percent: *percent, status_text: note.clone() })
        }
        Message::TaskPartial { index, part, .. } => {
            object(message, TaskPartialWire { index: *index, part: part.into() })
        }
        Message::TrustRequest { tier, reason, .. } => {
            object(message, TrustRequestWire { tier: *tier, reason: reason.clone() })
        }
        Message::Discover { name, known, .. } => {
            object(message, DiscoverWire { name: name.clone(), known: *known })
        }
        Message::TrustGrant { tier, .. } => object(message, TrustGrantWire { tier: *tier }),
        Message::DirectCard { card, ask, .. } => object(message, direct::DirectWire::new(card, *ask)),
        Message::Group { id, group, news } => group::encode(*id, *group, news),
        Message::GroupMessage { id, text } => group::encode_text(*id, text),
        Message::Plan { id, goal, news } => plan::encode(*id, *goal, news),
        Message::Ping { .. }
        | Message::Pong { .. }
        | Message::TaskCancel { .. }
        | Message::TrustDeny { .. }
        | Message::Unknown { .. } => object(message, Empty {}),
    }
}

fn object(message: &Message, body: impl Serialize) -> Vec<u8> {
    let kind = match message {
        Message::Unknown { kind, .. } => kind.as_str(),
        known => KINDS.iter().find(|(kind, _)| *kind == known.kind()).map_or("", |(_, name)| name),
    };
    json::encode(kind, message.id(), body)
}

pub(super) fn decode(bytes: &[u8]) -> Result<Message, BadMessage> {
    let unreadable = |fault| BadMessage { kind: MessageKind::Unknown, id: None, fault };
    if bytes.len() > MAX_MESSAGE {
        return Err(unreadable(MessageFault::TooLarge { size: bytes.len() }));
    }
    // The parser does not validate UTF-8 in skipped values.
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable(MessageFault::Type))?;
    // The parser would also accept an array for a struct.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(unreadable(MessageFault::Type));
    }
    let head: Head<'_> = parse(bytes).map_err(unreadable)?;
    let id = head.id.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let name = kind_name(head.kind).map_err(|fault| BadMessage { id, ..unreadable(fault) })?;
    if let Some(kind) = group::kind(&name) {
        return group::decode(&name, id, bytes).map_err(|fault| BadMessage { kind, id, fault });
    }
    if let Some(kind) = plan::kind(&name) {
        return plan::decode(&name, id, bytes).map_err(|fault| BadMessage { kind, id, fault });
    }
    let Some((kind, _)) = KINDS.iter().find(|(_, known)| *known == name) else {
        return Ok(Message::Unknown { kind: Text::sanitized(&name), id });
    };
    body(*kind, id, bytes).map_err(|fault| BadMessage { kind: *kind, id, fault })
}

fn kind_name(raw: Option<&RawValue>) -> Result<Cow<'_, str>, MessageFault> {
    let raw = raw.ok_or(MessageFault::Type)?.get();
    let name: Borrowed<'_> = serde_json::from_str(raw).map_err(|_| MessageFault::Type)?;
    if name.0.len() > MAX_KIND { Err(MessageFault::Type) } else { Ok(name.0) }
}

#[derive(Deserialize)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

fn body(kind: MessageKind, id: Option<RequestId>, bytes: &[u8]) -> Result<Message, MessageFault> {
    let required = || id.ok_or(MessageFault::Id);
    Ok(match kind {
        MessageKind::Ping => Message::Ping { id: required()? },
        MessageKind::Pong => Message::Pong { id: required()? },
        MessageKind::Discover => {
            let DiscoverWire { name, known } = parse(bytes)?;
            Message::Discover { id: required()?, name, known }
        }
        MessageKind::TrustDeny => Message::TrustDeny { id: required()? },
        MessageKind::TaskCancel => Message::TaskCancel { id: required()? },
        MessageKind::Capabilities => capabilities(required()?, parse(bytes)?)?,
        MessageKind::TaskRequest => task_request(required()?, parse(bytes)?)?,
        MessageKind::TaskResponse => {
            let TaskResponseWire::<&RawValue> { output } = parse(bytes)?;
            // An output that is nested too deeply to be parsed is refused.
            let _: serde_json::Value = parse(output.get().as_bytes())?;
            Message::TaskResponse { id: required()?, output: JsonText::from_raw(output) }
        }
        MessageKind::TaskError => {
            let FailureWire { code, message } = parse(bytes)?;
            Message::TaskError { id: required()?, code: error_code(&code), message }
        }
        MessageKind::TaskProgress => {
            let TaskProgressWire { percent, status_text: note } = parse(bytes)?;
            Message::TaskProgress { id: required()?, percent: percent.min(100), note }
        }
        MessageKind::TaskPartial => {
            let TaskPartialWire { index, part } = parse(bytes)?;
            Message::TaskPartial { id: required()?, index, part: part.into_owned() }
        }
        MessageKind::TaskReceipt => {
            Message::TaskReceipt { id: required()?, envelope: receipt::envelope(bytes)? }
        }
        MessageKind::TaskCountersigned => {
            Message::TaskCountersigned { id: required()?, signature: receipt::signature(bytes)? }
        }
        MessageKind::DirectCard => {
            let (card, ask) = direct::card(bytes)?;
            Message::DirectCard { id: required()?, card: Box::new(card), ask }
        }
        MessageKind::TrustRedeem => Message::TrustRedeem { id: required()?, token: receipt::token(bytes)? },
        MessageKind::TrustRequest => {
            let TrustRequestWire { tier, reason } = parse(bytes)?;
            Message::TrustRequest { id: required()?, tier, reason }
        }
        MessageKind::TrustGrant => {
            let TrustGrantWire { tier } = parse(bytes)?;
            Message::TrustGrant { id: required()?, tier }
        }
        MessageKind::Error => {
            let FailureWire { code, message } = parse(bytes)?;
            Message::Error { id, code: error_code(&code), message }
        }
        // `group` and `plan` read these.
        MessageKind::Group
        | MessageKind::GroupInvite
        | MessageKind::Plan
        | MessageKind::PlanPropose
        | MessageKind::Unknown => return Err(MessageFault::Type),
    })
}

fn task_request(id: RequestId, wire: TaskRequestWire<'_>) -> Result<Message, MessageFault> {
    if wire.skill.len() > MAX_SKILL {
        return Err(MessageFault::Skill);
    }
    let (skill, input) = (wire.skill.to_string(), wire.input.get().to_owned());
    let TaskRequestWire { timeout_ms, expires_ms, version, part_of, .. } = wire;
    Ok(Message::TaskRequest { id, skill, input, timeout_ms, expires_ms, version, part_of })
}

fn capabilities(id: RequestId, wire: CapabilitiesIn<'_>) -> Result<Message, MessageFault> {
    let Some(cards) = wire.cards.filter(|_| !wire.unchanged) else {
        let unchanged = wire.unchanged.then_some(Message::CapabilitiesUnchanged { id, name: wire.name });
        return unchanged.ok_or(MessageFault::Cards);
    };
    if cards.len() > MAX_CARDS {
        return Err(MessageFault::Cards);
    }
    let card = |(index, card): (usize, CardIn<'_>)| card.into_card().ok_or(MessageFault::Card { index });
    let cards = cards.into_iter().enumerate().map(card).collect::<Result<_, _>>()?;
    Ok(Message::Capabilities { id, name: wire.name, cards })
}

impl CardIn<'_> {
    fn into_card(self) -> Option<Card> {
        let schema = |raw: &RawValue| {
            let bounded = (raw.get().len() <= Schema::MAX).then(|| raw.get());
            bounded.and_then(|text| serde_json::from_str(text).ok())
        };
        let version = (self.version.len() <= MAX_VERSION).then_some(self.version);
        Some(Card {
            version: Version::parse(&version?).ok()?,
            input_schema: schema(self.input_schema)?,
            output_schema: schema(self.output_schema)?,
            name: self.name,
            description: self.description,
            when_to_use: self.when_to_use,
            category: self.category,
        })
    }
}
