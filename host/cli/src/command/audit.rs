use clap::{Args, Subcommand};
use coworker_agent::OpError;
use coworker_agent::ops::{AuditEntry, AuditLog};
use serde_json::Value;

use crate::context::{Context, now_ms};
use crate::print::{self, Cell, Table, ago};
use crate::report::Report;

/// What was decided and done, and why
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    Log(Log),
}

/// The newest entries: calls with their permits, refusals, changes of trust and skills
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// At most this many entries
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,

    /// Only what concerns this peer
    #[arg(long)]
    peer: Option<String>,

    /// Only what concerns this skill
    #[arg(long)]
    skill: Option<String>,
}

impl Audit {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, OpError> {
        let Self::Log(log) = self;
        let entries = context.ask(AuditLog { limit: log.limit, peer: log.peer, skill: log.skill }).await?;
        let text = if entries.is_empty() { "Nothing yet.".to_owned() } else { table(&entries, now_ms()) };
        Ok(Report::text(text).field("entries", &entries))
    }
}

fn table(entries: &[AuditEntry], now: i64) -> String {
    let mut table = Table::new(&["WHEN", "EVENT", "PEER", "SKILL", "DETAIL"]);
    for entry in entries {
        table.row([
            Cell::dim(ago(now, entry.at_ms)),
            Cell::bold(entry.event.replace('_', " ")),
            Cell::new(who(entry)),
            Cell::new(entry.skill.as_deref().unwrap_or_default()),
            Cell::new(detail(entry)),
        ]);
    }
    table.to_string()
}

fn who(entry: &AuditEntry) -> String {
    match (&entry.peer_name, entry.peer, &entry.permit) {
        (Some(name), ..) => name.to_string(),
        (None, Some(peer), _) => peer.short(),
        // The owner's own runs have no peer.
        (None, None, Some(permit)) => permit["caller"].as_str().unwrap_or_default().to_owned(),
        (None, None, None) => String::new(),
    }
}

fn detail(entry: &AuditEntry) -> String {
    let none = Value::Null;
    let detail = entry.detail.as_ref().unwrap_or(&none);
    let mut said = Vec::new();
    if let Some(permit) = &entry.permit {
        let grants: Vec<_> =
            permit["grants"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        said.push(permit["tier"].as_str().unwrap_or_default().to_ascii_uppercase());
        said.push(format!("grants {}", if grants.is_empty() { "none".into() } else { grants.join(" ") }));
    }
    if let (Some(before), Some(after)) = (detail["before"].as_str(), detail["after"].as_str()) {
        said.push(format!("{} to {}", before.to_ascii_uppercase(), after.to_ascii_uppercase()));
    }
    for (name, value) in detail.as_object().into_iter().flatten() {
        said.extend(told(name, value));
    }
    said.join(", ")
}

/// What of a detail fits on a line; the rest is in the JSON.
fn told(name: &str, value: &Value) -> Option<String> {
    match (name, value) {
        (_, Value::Null) | ("before" | "after" | "host_calls" | "log_bytes" | "component", _) => None,
        ("outcome" | "reason", Value::String(text)) => Some(text.clone()),
        ("fuel_used", value) => Some(format!("fuel {value}")),
        ("peak_memory_bytes", value) => {
            Some(print::bytes(value.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or_default()))
        }
        ("duration_ms", value) => Some(format!("{:.1} ms", value.as_f64().unwrap_or_default())),
        (name, Value::String(text)) => Some(format!("{name} {text}")),
        (name, value) => Some(format!("{name} {value}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_tells_its_permit_and_what_it_used() {
        let entry = AuditEntry {
            seq: 1,
            at_ms: 0,
            event: "call".into(),
            peer: None,
            peer_name: Some("bob".parse().unwrap()),
            task: None,
            skill: Some("summarize".into()),
            permit: Some(json!({ "tier": "known", "grants": ["call", "log"], "limits": { "fuel": 5 } })),
            detail: Some(
                json!({ "outcome": "ok", "reason": null, "fuel_used": 12, "duration_ms": 1.25, "log_bytes": 0 }),
            ),
        };
        assert_eq!(detail(&entry), "KNOWN, grants call log, 1.2 ms, fuel 12, ok");
        assert_eq!(who(&entry), "bob");
    }
}
