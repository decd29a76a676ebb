use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::Mode;
use coworker_api::ops::{self, ModelInfo, PeerInfo, StatusInfo};

use super::reached;
use crate::context::{Context, now_ms};
use crate::print::{self, BAD, BOLD, CODE, Cell, DIM, Table, WARN, count, paint};
use crate::report::Report;
use crate::session::Session;

/// Peers that are shown one by one.
const SHOWN: usize = 20;

/// Show the agent's status
#[derive(Debug, Args)]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let ask = async |session: &Session| {
            let serving = session.is_serving();
            Ok((session.run(ops::Status {}).await?, serving))
        };
        let (status, serving) = context.with_session(ask).await?;
        let text = text(&status, serving, context);
        Ok(Report::text(text).fields(&status).field("serving", &serving))
    }
}

fn text(status: &StatusInfo, serving: bool, context: &Context) -> String {
    let mut table = Table::bare();
    let mut row = |what: &str, is: String| table.row([Cell::dim(what), Cell::new(is)]);
    row("id", status.id.to_string());
    row("serving", if serving { format!("yes, process {}", status.pid) } else { "no".to_owned() });
    row("network", network(status));
    row("skills", format!("{} installed, {} exposed", status.skills_installed, status.skills_exposed));
    row("peers", format!("{} known, {} connected", status.peers_known, status.peers_connected));
    row("model", model(&status.model));
    row("data", status.data.display().to_string());
    row("version", status.version.clone());
    let mut lines = vec![paint(BOLD, &print::plain(status.name.as_str())), table.to_string()];
    lines.extend(peers(&status.peers));
    lines.extend(relay_is_away(status));
    for why in &status.broken_policies {
        let why: Vec<_> = why.lines().map(print::plain).collect();
        let said = "skills are hidden from everybody until their policy file is mended";
        lines.push(format!("\n{} {said}\n    {}", paint(BAD, "✗"), why.join("\n    ")));
    }
    if status.trust_requests > 0 {
        let who = count(status.trust_requests, "peer");
        lines.push(format!("\n{who} asked for trust: {}", paint(CODE, &context.command("trust requests"))));
    }
    if !serving {
        lines.push(format!(
            "\n{} {}",
            paint(DIM, "let others reach it:"),
            paint(CODE, &context.command("serve"))
        ));
    }
    lines.join("\n")
}

/// Lists connected peers first. `peers` has the rest.
fn peers(peers: &[PeerInfo]) -> Option<String> {
    if peers.is_empty() {
        return None;
    }
    let (mut table, now) = (Table::bare(), now_ms());
    let mut sorted: Vec<_> = peers.iter().collect();
    sorted.sort_by_key(|peer| !peer.connected);
    for peer in sorted.iter().take(SHOWN) {
        let name = peer.name.as_ref().map_or_else(|| peer.peer.short(), ToString::to_string);
        table.row([Cell::bold(&name), Cell::new(reached::full(peer, now))]);
    }
    let more = (peers.len() > SHOWN).then(|| format!("\n  and {}", count(peers.len() - SHOWN, "more peer")));
    Some(format!("\n{table}{}", more.unwrap_or_default()))
}

fn relay_is_away(status: &StatusInfo) -> Option<String> {
    let away = status.listening && !status.relays.is_empty() && !status.relay_connected;
    away.then(|| format!("\n{} no relay answers: {}", paint(WARN, "!"), status.relays.join(", ")))
}

pub(super) fn model(model: &ModelInfo) -> String {
    let ModelInfo { model, base_url, problem, .. } = model;
    match (model, base_url, problem) {
        (Some(model), Some(base), _) => format!("{model} at {base}"),
        (_, _, Some(problem)) => format!("cannot be used: {}", problem.message),
        _ => "none".to_owned(),
    }
}

pub(super) fn network(status: &StatusInfo) -> String {
    let mut parts = vec![status.network.to_string()];
    parts.extend(status.addresses.iter().cloned());
    parts.extend(status.relay.iter().map(|relay| format!("relay {relay}")));
    if status.network == Mode::Public && !status.direct_addresses.is_empty() {
        parts.push(format!("accepted peers also at {}", status.direct_addresses.join(", ")));
    }
    parts.join(", ")
}
