//! The content of a receipt as an in-toto statement.

use coworker_policy::{Digest, ErrorCode, PeerId, RequestId, SkillName};
use semver::Version;
use serde::{Deserialize, Serialize};

use super::{BadReceipt, CallRecord, Content, Outcome};

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "coworker:call-receipt/v1";
const INPUT: &str = "input";
const OUTPUT: &str = "output";
const DONE: &str = "OK";
/// Longest version of a skill, in bytes.
const MAX_VERSION: usize = 64;
/// The largest integer that all JSON parsers read exactly.
const MAX_NUMBER: u64 = (1 << 53) - 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatementWire {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<SubjectWire>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: PredicateWire,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectWire {
    name: String,
    digest: DigestWire,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DigestWire {
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PredicateWire {
    id: RequestId,
    caller: PeerId,
    provider: PeerId,
    skill: SkillWire,
    outcome: String,
    started_ms: u64,
    duration_ms: u64,
    fuel: u64,
    input_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_bytes: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SkillWire {
    name: SkillName,
    version: String,
    card: DigestWire,
}

pub(super) fn encode(record: &CallRecord) -> Vec<u8> {
    let (outcome, output) = match &record.outcome {
        Outcome::Done(output) => (DONE, Some(output)),
        Outcome::Failed(code) => (code.name(), None),
    };
    let subject = |name: &str, content: &Content| SubjectWire {
        name: name.to_owned(),
        digest: digest(content.digest()),
    };
    let statement = StatementWire {
        kind: STATEMENT.to_owned(),
        subject: std::iter::once(subject(INPUT, &record.input))
            .chain(output.map(|output| subject(OUTPUT, output)))
            .collect(),
        predicate_type: PREDICATE.to_owned(),
        predicate: PredicateWire {
            id: record.id,
            caller: record.caller,
            provider: record.provider,
            skill: SkillWire {
                name: record.skill.clone(),
                version: record.version.to_string(),
                card: digest(record.card),
            },
            outcome: outcome.to_owned(),
            started_ms: record.started_ms.min(MAX_NUMBER),
            duration_ms: record.duration_ms.min(MAX_NUMBER),
            fuel: record.fuel.min(MAX_NUMBER),
            input_bytes: record.input.bytes(),
            output_bytes: output.map(Content::bytes),
        },
    };
    // Strings and numbers can be serialised, so the fallback is never used.
    serde_json::to_vec(&statement).unwrap_or_default()
}

/// Refuses unknown members, because no agent should sign or accept a statement that it does not fully understand.
/// A new member requires a new predicate type.
pub(super) fn decode(payload: &[u8]) -> Result<CallRecord, BadReceipt> {
    let json = |source| BadReceipt::Json { what: "payload", source };
    if payload.first() != Some(&b'{') {
        return Err(BadReceipt::Field("payload"));
    }
    let wire: StatementWire = serde_json::from_slice(payload).map_err(json)?;
    if wire.kind != STATEMENT {
        return Err(BadReceipt::Field("statement type"));
    }
    if wire.predicate_type != PREDICATE {
        return Err(BadReceipt::Field("predicate type"));
    }
    let StatementWire { subject, predicate, .. } = wire;
    let numbers = [predicate.started_ms, predicate.duration_ms, predicate.fuel, predicate.input_bytes];
    if numbers.into_iter().chain(predicate.output_bytes).any(|number| number > MAX_NUMBER) {
        return Err(BadReceipt::Field("numbers"));
    }
    if predicate.caller == predicate.provider {
        return Err(BadReceipt::Field("caller"));
    }
    let (input, outcome) = contents(&subject, &predicate)?;
    Ok(CallRecord {
        id: predicate.id,
        caller: predicate.caller,
        provider: predicate.provider,
        version: version(&predicate.skill.version)?,
        card: parsed(&predicate.skill.card)?,
        skill: predicate.skill.name,
        input,
        outcome,
        started_ms: predicate.started_ms,
        duration_ms: predicate.duration_ms,
        fuel: predicate.fuel,
    })
}

/// Reads input and outcome. An input is always present, and an output only if the call is done.
fn contents(subject: &[SubjectWire], predicate: &PredicateWire) -> Result<(Content, Outcome), BadReceipt> {
    let content = |subject: &SubjectWire, name: &str, bytes: u64| {
        let named = subject.name == name;
        named
            .then(|| parsed(&subject.digest))
            .transpose()?
            .map(|digest| Content::new(digest, bytes))
            .ok_or(BadReceipt::Field("subject"))
    };
    match (subject, predicate.outcome.as_str(), predicate.output_bytes) {
        ([input, output], DONE, Some(bytes)) => Ok((
            content(input, INPUT, predicate.input_bytes)?,
            Outcome::Done(content(output, OUTPUT, bytes)?),
        )),
        ([input], code, None) if code != DONE => {
            Ok((content(input, INPUT, predicate.input_bytes)?, Outcome::Failed(error_code(code)?)))
        }
        _ => Err(BadReceipt::Field("outcome")),
    }
}

fn error_code(name: &str) -> Result<ErrorCode, BadReceipt> {
    let value = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name);
    ErrorCode::deserialize(value).map_err(|_| BadReceipt::Field("outcome"))
}

fn version(text: &str) -> Result<Version, BadReceipt> {
    let bounded = (text.len() <= MAX_VERSION).then(|| Version::parse(text).ok()).flatten();
    bounded.ok_or(BadReceipt::Field("version"))
}

fn digest(digest: Digest) -> DigestWire {
    DigestWire { sha256: digest.hex() }
}

fn parsed(wire: &DigestWire) -> Result<Digest, BadReceipt> {
    format!("sha256:{}", wire.sha256).parse().map_err(|_| BadReceipt::Field("digest"))
}
