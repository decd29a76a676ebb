use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{InviteInfo, InviteList, InviteState, lasting};

use crate::context::{Context, now_ms};
use crate::print::{CODE, Cell, DIM, Table, ago, paint};
use crate::report::Report;

/// List invites that carry a grant, with their remaining uses
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let invites = context.ask(InviteList {}).await?;
        let text = if invites.is_empty() { none(context) } else { table(&invites, now_ms()) };
        Ok(Report::text(text).field("invites", &invites))
    }
}

fn none(context: &Context) -> String {
    let write = paint(CODE, &context.command("invite --grant known"));
    format!("No invite grants anything.\n{} {write}", paint(DIM, "write one:"))
}

fn table(invites: &[InviteInfo], now: i64) -> String {
    let mut table = Table::new(&["ID", "GRANTS", "STATE", "USES LEFT", "WRITTEN", "NOTE"]);
    for invite in invites {
        table.row([
            Cell::bold(&invite.id),
            Cell::new(grants(invite)),
            Cell::new(state(invite, now)),
            Cell::new(invite.uses_left),
            Cell::new(ago(now, invite.at_ms)),
            Cell::dim(&invite.note),
        ]);
    }
    table.to_string()
}

fn grants(invite: &InviteInfo) -> String {
    format!("{} {}", invite.tier, invite.ends.told()).trim_end().to_owned()
}

fn state(invite: &InviteInfo, now: i64) -> String {
    match invite.state {
        InviteState::Open => {
            let left = u64::try_from(invite.expires_ms.saturating_sub(now)).unwrap_or_default();
            format!("open for {}", lasting(left))
        }
        InviteState::UsedUp => "used up".to_owned(),
        InviteState::Expired => "expired".to_owned(),
        InviteState::Revoked => "revoked".to_owned(),
    }
}
