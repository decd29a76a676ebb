mod prune;
mod verify;

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use coworker_api::ApiError;
use coworker_api::ops::{AuditEntry, AuditLog, ModelUse, SkillInfo, SkillList};
use serde_json::Value;

use super::skill::rule;
use crate::context::{Context, now_ms};
use crate::print::{self, Cell, Table, ago};
use crate::report::Report;
use crate::session::Session;

/// Show the audit log: decisions, calls and their reasons
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    Log(Log),
    Verify(verify::Verify),
    Prune(prune::Prune),
}

/// Show the newest entries: calls with their permits, refusals, changes of trust and skills
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Show at most this many entries
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,

    /// Show only entries about this peer
    #[arg(long)]
    peer: Option<String>,

    /// Show only entries about this skill
    #[arg(long)]
    skill: Option<String>,
}

impl Audit {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let log = match self {
            Self::Log(log) => log,
            Self::Verify(verify) => return verify.run(context).await,
            Self::Prune(prune) => return prune.run(context).await,
        };
        let ask = async |session: &Session| {
            let entries =
                session.run(AuditLog { limit: log.limit, peer: log.peer, skill: log.skill }).await?;
            Ok((entries, session.run(SkillList { name: None }).await?))
        };
        let (entries, skills) = context.with_session(ask).await?;
        let names = names(&skills);
        let text = if entries.is_empty() {
            "Nothing yet.".to_owned()
        } else {
            table(&entries, now_ms(), &Telling { context, names: &names })
        };
        Ok(Report::text(text).field("entries", &entries))
    }
}

/// The context for printing entries.
struct Telling<'a> {
    context: &'a Context,
    names: &'a BTreeMap<String, Vec<String>>,
}

/// The installed skills by their component.
fn names(skills: &[SkillInfo]) -> BTreeMap<String, Vec<String>> {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for skill in skills {
        names.entry(skill.component.to_string()).or_default().push(skill.card.name.to_string());
    }
    names
}

fn table(entries: &[AuditEntry], now: i64, telling: &Telling<'_>) -> String {
    let mut table = Table::new(&["WHEN", "EVENT", "PEER", "SKILL", "DETAIL"]);
    for entry in entries {
        table.row([
            Cell::dim(ago(now, entry.at_ms)),
            Cell::bold(entry.event.replace('_', " ")),
            Cell::new(who(entry)),
            Cell::new(entry.skill.as_deref().unwrap_or_default()),
            Cell::new(decided(entry, telling).unwrap_or_else(|| detail(entry))),
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

/// Entries about the permissions of a component.
fn decided(entry: &AuditEntry, telling: &Telling<'_>) -> Option<String> {
    let detail = entry.detail.as_ref()?;
    let said = |name: &str| detail[name].as_str().unwrap_or_default();
    let skill = entry.skill.as_deref().unwrap_or_default();
    Some(match entry.event.as_str() {
        "access_denied" => {
            let asked = asked(said("capability"), said("what"));
            match (detail["grant"].as_str(), said("mend")) {
                // Built anew, not taken from the entry: a guest chose the rule, and the owner pastes the line.
                (Some(_), _) => {
                    let line = rule::line(said("capability"), said("what"));
                    let tier = Some(said("from")).filter(|tier| !tier.is_empty());
                    let from = tier.map(|tier| format!(" --from {tier}")).unwrap_or_default();
                    let grant = telling.context.command(&format!("skill grant {skill} {line}{from}"));
                    format!("{asked}; to allow it: {grant}")
                }
                (None, "") => asked,
                (None, fix) => format!("{asked}; {fix}"),
            }
        }
        "skill_granted" => {
            let rules: Vec<_> = detail["to"].as_array()?.iter().filter_map(Value::as_str).collect();
            asked(said("capability"), &rules.join(", ")) + &from(said("from"))
        }
        "skill_revoked" => asked(said("capability"), detail["to"].as_str().unwrap_or("all of it")),
        "skill_configured" => said("key").to_owned(),
        "skill_limited" => {
            let of = format!("{} of {}", said("limit"), said("tier").to_ascii_uppercase());
            match &detail["value"] {
                Value::Null => format!("{of} is the default again"),
                value => format!("{of} is {value}"),
            }
        }
        "skill_leaks" => said("leaks").to_owned(),
        "skill_secret" => {
            format!("{} {}", said("secret"), if detail["set"] == true { "set" } else { "forgotten" })
        }
        "model_asked" | "plan_asked" => asked_model(detail),
        "policy_edited" => match telling.names.get(said("component")) {
            Some(names) => format!("of {}, by hand", names.join(", ")),
            None => format!("of {}, by hand", said("component")),
        },
        _ => return None,
    })
}

/// The resources that a question to the language model used.
fn asked_model(detail: &Value) -> String {
    let mut said = vec![detail["model"].as_str().unwrap_or_default().to_owned()];
    if let (Some(input), Some(output)) = (detail["input_tokens"].as_u64(), detail["output_tokens"].as_u64()) {
        said.push(format!("{input} tokens in, {output} out"));
    }
    if let Some(micros) = detail["cost_microusd"].as_u64() {
        said.push(format!("${}.{:06}", micros / 1_000_000, micros % 1_000_000));
    }
    said.extend(["outcome", "duration_ms"].iter().filter_map(|name| told(name, &detail[*name])));
    said.join(", ")
}

fn asked(capability: &str, rule: &str) -> String {
    if rule.is_empty() { capability.to_owned() } else { format!("{capability} {rule}") }
}

fn from(tier: &str) -> String {
    if tier.is_empty() { String::new() } else { format!(" from {}", tier.to_ascii_uppercase()) }
}

/// Capabilities without a rule stand in a row, rules have spaces of their own.
fn grants(permit: &Value) -> String {
    let lines = permit["grants"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let (rules, plain): (Vec<_>, Vec<_>) = lines.partition(|line| line.contains(' '));
    let plain = plain.join(" ");
    let all: Vec<_> = std::iter::once(plain.as_str()).chain(rules).filter(|line| !line.is_empty()).collect();
    if all.is_empty() { "none".to_owned() } else { all.join("; ") }
}

fn detail(entry: &AuditEntry) -> String {
    let none = Value::Null;
    let detail = entry.detail.as_ref().unwrap_or(&none);
    let mut said = Vec::new();
    if let Some(permit) = &entry.permit {
        said.push(permit["tier"].as_str().unwrap_or_default().to_ascii_uppercase());
        said.push(format!("grants {}", grants(permit)));
    }
    if let (Some(before), Some(after)) = (detail["before"].as_str(), detail["after"].as_str()) {
        said.push(format!("{} to {}", before.to_ascii_uppercase(), after.to_ascii_uppercase()));
    }
    for (name, value) in detail.as_object().into_iter().flatten() {
        said.extend(told(name, value));
    }
    said.join(", ")
}

/// The part of a detail that fits on a line; the JSON has the rest.
fn told(name: &str, value: &Value) -> Option<String> {
    match (name, value) {
        ("model", Value::Object(_)) => {
            let used: ModelUse = serde_json::from_value(value.clone()).ok()?;
            Some(format!("planned by the model, {used}"))
        }
        (_, Value::Null) | ("before" | "after" | "cause" | "host_calls" | "log_bytes" | "component", _) => {
            None
        }
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
    use clap::Parser as _;
    use serde_json::json;

    use super::*;
    use crate::args::Cli;

    fn entry(event: &str, permit: Option<Value>, detail: Value) -> AuditEntry {
        AuditEntry {
            seq: 1,
            at_ms: 0,
            event: event.into(),
            peer: None,
            peer_name: Some("bob".parse().unwrap()),
            task: None,
            skill: Some("quote".into()),
            permit,
            detail: Some(detail),
        }
    }

    #[test]
    fn a_call_tells_its_permit_and_what_it_used() {
        let permit =
            json!({ "tier": "known", "grants": ["call", "log", "state caller"], "limits": { "fuel": 5 } });
        let entry = entry(
            "call",
            Some(permit),
            json!({ "outcome": "ok", "reason": null, "fuel_used": 12, "duration_ms": 1.25, "log_bytes": 0 }),
        );
        assert_eq!(detail(&entry), "KNOWN, grants call log; state caller, 1.2 ms, fuel 12, ok");
        assert_eq!(who(&entry), "bob");
    }

    #[test]
    fn decisions_about_a_component_read_well() {
        let cli = Cli::parse_from(["coworker", "--data", "/x", "version"]);
        let context = Context::new(&cli, false).unwrap();
        let names = BTreeMap::from([("sha256:00".to_owned(), vec!["quote".to_owned()])]);
        let telling = Telling { context: &context, names: &names };
        let hostile = json!({ "capability": "http", "what": "GET https://x.example/';id;'", "grant": "…" });
        let rule = json!({ "capability": "http", "to": ["GET https://x.example/*"], "from": "known" });
        for (event, detail, told) in [
            (
                "access_denied",
                hostile,
                r"http GET https://x.example/';id;'; to allow it: coworker skill grant quote http 'GET https://x.example/'\'';id;'\'''",
            ),
            (
                "access_denied",
                json!({ "capability": "state", "what": "", "from": "untrusted", "grant": "…" }),
                "state; to allow it: coworker skill grant quote state --from untrusted",
            ),
            (
                "access_denied",
                json!({ "capability": "state", "what": "", "grant": null, "mend": "callers from INTERNAL up have it" }),
                "state; callers from INTERNAL up have it",
            ),
            (
                "access_denied",
                json!({ "capability": "http", "what": "GET http://a.example/*", "grant": null, "mend": null }),
                "http GET http://a.example/*",
            ),
            ("skill_granted", rule, "http GET https://x.example/* from KNOWN"),
            ("skill_granted", json!({ "capability": "state", "to": [], "from": null }), "state"),
            ("skill_revoked", json!({ "capability": "http", "to": null }), "http all of it"),
            ("skill_configured", json!({ "key": "currency" }), "currency"),
            ("skill_limited", json!({ "tier": "known", "limit": "fuel", "value": 5 }), "fuel of KNOWN is 5"),
            ("skill_leaks", json!({ "leaks": "redact" }), "redact"),
            ("skill_secret", json!({ "secret": "KEY", "set": false }), "KEY forgotten"),
            ("policy_edited", json!({ "component": "sha256:00" }), "of quote, by hand"),
            (
                "model_asked",
                json!({ "model": "m", "outcome": "ok", "input_tokens": 9, "output_tokens": 2, "cost_microusd": 1500, "duration_ms": 7.0, "tier": "known" }),
                "m, 9 tokens in, 2 out, $0.001500, ok, 7.0 ms",
            ),
        ] {
            assert_eq!(decided(&entry(event, None, detail), &telling).as_deref(), Some(told), "{event}");
        }
    }
}
