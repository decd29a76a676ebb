use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{GroupInfo, GroupInviteInfo, GroupList, GroupMembers, GroupPeople};

use crate::context::Context;
use crate::print::{CODE, Cell, DIM, Table, paint};
use crate::report::Report;

/// Digits of a group's id that are shown.
const SHOWN: usize = 12;

/// List your groups and the invitations that wait for you
#[derive(Debug, Args)]
pub(crate) struct List {}

/// List the members of a group with their tiers
#[derive(Debug, Args)]
pub(crate) struct Members {
    /// The group's name, or the start of its id
    group: String,
}

impl List {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let list = context.ask(GroupList {}).await?;
        let mut parts = Vec::new();
        if !list.groups.is_empty() {
            parts.push(groups(&list.groups));
        }
        if !list.invites.is_empty() {
            parts.push(invites(&list.invites));
            let join = paint(CODE, &context.command("group join GROUP"));
            parts.push(format!("{} {join}", paint(DIM, "accept one:")));
        }
        if parts.is_empty() {
            let make = paint(CODE, &context.command("group create NAME PEER"));
            parts.push(format!("You are in no group.\n{} {make}", paint(DIM, "make one:")));
        }
        Ok(Report::text(parts.join("\n\n")).fields(&list))
    }
}

fn groups(groups: &[GroupInfo]) -> String {
    let mut table = Table::new(&["GROUP", "ID", "MEMBERS", "STEWARD"]);
    for group in groups {
        let named = |name: &coworker_policy::AgentName| name.to_string();
        let steward = match (group.is_steward, group.ended) {
            (_, true) => "you were removed".to_owned(),
            (true, false) => "you".to_owned(),
            (false, false) => group
                .steward_name
                .as_ref()
                .map(named)
                .or_else(|| group.steward.map(|peer| peer.short()))
                .unwrap_or_default(),
        };
        table.row([
            Cell::bold(&group.name),
            Cell::dim(&group.group.to_string()[..SHOWN]),
            Cell::new(group.members),
            Cell::new(steward),
        ]);
    }
    table.to_string()
}

fn invites(invites: &[GroupInviteInfo]) -> String {
    let mut table = Table::new(&["INVITED TO", "ID", "BY", ""]);
    for invite in invites {
        let by = invite.from_name.as_ref().map_or_else(|| invite.from.short(), ToString::to_string);
        table.row([
            Cell::bold(&invite.name),
            Cell::dim(&invite.group.to_string()[..SHOWN]),
            Cell::new(by),
            Cell::dim(if invite.accepted { "accepted, waits for the steward" } else { "" }),
        ]);
    }
    table.to_string()
}

impl Members {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let people = context.ask(GroupMembers { group: self.group }).await?;
        Ok(Report::text(members(&people)).fields(&people))
    }
}

fn members(people: &GroupPeople) -> String {
    let mut table = Table::new(&["NAME", "ID", "TIER", ""]);
    for member in &people.members {
        let tier = if member.us { Cell::dim("you") } else { Cell::tier(member.tier) };
        let mut notes = Vec::new();
        if member.steward {
            notes.push("steward".to_owned());
        }
        if let Some(place) = member.deputy {
            notes.push(format!("deputy {place}"));
        }
        if !member.us && !member.connected {
            notes.push("away".to_owned());
        }
        table.row([
            Cell::bold(member.name.as_ref().map_or("?", |name| name.as_str())),
            Cell::dim(member.peer.short()),
            tier,
            Cell::dim(notes.join(", ")),
        ]);
    }
    for peer in &people.invited {
        table.row([Cell::bold("?"), Cell::dim(peer.short()), Cell::dim(""), Cell::dim("asked in")]);
    }
    table.to_string()
}
