use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{Discover, Discovered};
use coworker_policy::{Card, ErrorCode};
use serde_json::Value;

use crate::context::{Context, now_ms};
use crate::print::{self, CODE, DIM, WARN, ago, paint};
use crate::report::Report;

/// Show a peer's skills with their inputs and outputs
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The peer's name, its id, or the start of its id
    peer: String,

    /// Show only this skill
    skill: Option<String>,

    /// Give up after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 15.0)]
    timeout: f64,
}

impl Inspect {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let mut shown = context.ask(Discover { peer: self.peer.clone(), timeout: self.timeout }).await?;
        if let Some(skill) = &self.skill {
            shown.skills.retain(|card| card.name.as_str() == skill);
            if shown.skills.is_empty() {
                return Err(ApiError::new(
                    ErrorCode::UnknownSkill,
                    "the peer shows you no skill of that name",
                )
                .hint(format!("see what it shows: {}", context.command(&format!("inspect {}", self.peer)))));
            }
        }
        let skills: Vec<Value> = shown.skills.iter().map(with_hash).collect();
        Ok(Report::text(text(&shown, &self.peer, context)).fields(&shown).field("skills", &skills))
    }
}

/// For programs: a card and the hash that it is known by in receipts.
fn with_hash(card: &Card) -> Value {
    let mut fields = serde_json::to_value(card).unwrap_or_default();
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("hash".into(), card.hash().to_string().into());
    }
    fields
}

/// Notes that the cards are cached, not current.
pub(super) fn age(cached_ms: Option<i64>, name: &str) -> Option<String> {
    let age = ago(now_ms(), cached_ms?);
    let text = format!("{} cannot be reached; this is what it showed you {age}", print::plain(name));
    Some(paint(WARN, &text))
}

fn text(shown: &Discovered, typed: &str, context: &Context) -> String {
    let said = age(shown.cached_ms, shown.name.as_str());
    if shown.skills.is_empty() {
        let ask = paint(CODE, &context.command(&format!("trust ask {} known", print::plain(typed))));
        let nothing = format!("It shows you no skill.\n{} {ask}", paint(DIM, "ask for trust:"));
        return said.into_iter().chain([nothing]).collect::<Vec<_>>().join("\n\n");
    }
    let hash = |card: &Card| format!("  {} {}", paint(DIM, "card hash  "), card.hash());
    let cards = shown.skills.iter().map(|card| format!("{}\n{}", print::full(card), hash(card)));
    said.into_iter().chain(cards).collect::<Vec<_>>().join("\n\n")
}
