use clap::Args;
use coworker_agent::ops::{self, StatusInfo};
use coworker_agent::{OpError, Session};

use crate::context::Context;
use crate::print::{self, BAD, BOLD, CODE, Cell, DIM, Table, count, paint};
use crate::report::Report;

/// How the agent is, at a glance
#[derive(Debug, Args)]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, OpError> {
        let ask = async |session: &Session| {
            let serving = matches!(session, Session::Serving(_));
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
    row("data", status.data.display().to_string());
    row("version", status.version.clone());
    let mut lines = vec![paint(BOLD, &print::plain(status.name.as_str())), table.to_string()];
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

pub(super) fn network(status: &StatusInfo) -> String {
    let mut parts = vec![status.network.to_string()];
    parts.extend(status.addresses.iter().cloned());
    parts.extend(status.relay.iter().map(|relay| format!("relay {relay}")));
    parts.join(", ")
}
