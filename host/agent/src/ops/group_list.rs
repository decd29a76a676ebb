use coworker_api::ops::{GroupInfo, GroupInviteInfo, GroupList, GroupsInfo};
use coworker_policy::{AgentName, ErrorCode, GroupId, PeerId, Text};
use coworker_store::{GroupInviteRow, GroupRow};

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::base::typed::{IdStart, Kind};
use crate::groups::GroupTransaction;
use crate::state::{StateError, Transaction};

const GROUPS: Kind = Kind {
    singular: "group",
    plural: "groups",
    code: ErrorCode::NotConnected,
    hints: &[("see your groups", &["group", "list"]), ("make one", &["group", "create", "NAME", "PEER"])],
};
const INVITATIONS: Kind = Kind {
    singular: "invitation to a group",
    plural: "invitations to groups",
    code: ErrorCode::BadInvite,
    hints: &[
        ("see those that wait", &["group", "list"]),
        ("only invitations of peers that you trust as known arrive", &["trust", "set", "PEER", "known"]),
    ],
};

impl Run for GroupList {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GroupsInfo, OpError> {
        agent
            .groups
            .in_transaction(|groups| {
                let rows = groups.tx.store.groups()?;
                let joined = rows.iter().map(|row| groups.info(row)).collect::<Result<_, _>>()?;
                Ok(Ok(GroupsInfo { groups: joined, invites: invites(groups)? }))
            })
            .await
    }
}

fn invites(groups: &mut GroupTransaction<'_, '_>) -> Result<Vec<GroupInviteInfo>, StateError> {
    let tx = groups.tx.store;
    let mut invites = Vec::new();
    for row in tx.group_invites()? {
        invites.push(GroupInviteInfo {
            group: row.id,
            name: row.name,
            from: row.steward,
            from_name: name(groups.tx, row.steward)?,
            members: Some(row.members),
            accepted: false,
            at_ms: row.at_ms,
        });
    }
    for row in tx.group_tickets()? {
        // A member that lost its way has a ticket, too.
        if tx.group(row.id)?.is_some_and(|group| !group.ended) {
            continue;
        }
        invites.push(GroupInviteInfo {
            group: row.id,
            name: row.name,
            from: row.steward,
            from_name: name(groups.tx, row.steward)?,
            members: None,
            accepted: true,
            at_ms: row.at_ms,
        });
    }
    Ok(invites)
}

/// What a peer calls itself.
pub(super) fn name(tx: &Transaction<'_>, peer: PeerId) -> Result<Option<AgentName>, StateError> {
    Ok(tx.store.peer(peer)?.and_then(|row| row.name))
}

impl GroupTransaction<'_, '_> {
    pub(super) fn info(&mut self, row: &GroupRow) -> Result<GroupInfo, StateError> {
        let group = row.id;
        let view = if row.ended { None } else { Some(self.view(group)?) };
        let steward = view.as_ref().map(|view| view.steward);
        Ok(GroupInfo {
            group,
            name: row.name.clone(),
            members: view.as_ref().map_or(0, |view| view.members.len()),
            steward,
            steward_name: steward.map(|peer| name(self.tx, peer)).transpose()?.flatten(),
            is_steward: steward == Some(self.us),
            ended: row.ended,
            epoch: view.map(|view| view.epoch),
        })
    }

    /// The one group that `typed` names, by its name or the start of its id.
    pub(super) fn find(&mut self, typed: &str) -> Result<Result<GroupRow, OpError>, StateError> {
        let rows = self.tx.store.groups()?;
        let found = rows.iter().filter(|row| named(typed, &row.name, row.id)).collect::<Vec<_>>();
        // One that goes on is not put in doubt by one that has ended.
        let going: Vec<_> = found.iter().copied().filter(|row| !row.ended).collect();
        Ok(match (going.as_slice(), found.as_slice()) {
            ([row], _) | ([], [row]) => Ok((*row).clone()),
            ([], []) => {
                let waits = self.tx.store.group_invites()?;
                let waits = waits.iter().any(|row| named(typed, &row.name, row.id));
                Err(unknown(typed, waits))
            }
            _ => Err(GROUPS.ambiguous(typed, found.iter().map(|row| short(row.id)))),
        })
    }

    /// The same among groups that we can still speak in.
    pub(super) fn find_going(&mut self, typed: &str) -> Result<Result<GroupRow, OpError>, StateError> {
        Ok(self.find(typed)?.and_then(|row| {
            if row.ended {
                let message = format!("you are no longer in the group `{}`", Text::sanitized(&row.name));
                Err(OpError::new(ErrorCode::NotConnected, message)
                    .suggest("ask its steward for a new invite, or forget it", ["group", "leave", "GROUP"]))
            } else {
                Ok(row)
            }
        }))
    }

    /// The one invitation that `typed` names.
    pub(super) fn find_invite(&mut self, typed: &str) -> Result<Result<GroupInviteRow, OpError>, StateError> {
        let rows = self.tx.store.group_invites()?;
        let found: Vec<_> = rows.into_iter().filter(|row| named(typed, &row.name, row.id)).collect();
        Ok(INVITATIONS.only(typed, found, |row| short(row.id)))
    }
}

fn named(typed: &str, name: &str, id: GroupId) -> bool {
    name.eq_ignore_ascii_case(typed) || IdStart::of(typed).is_some_and(|start| start.fits(&id.to_string()))
}

fn unknown(typed: &str, waits: bool) -> OpError {
    if !waits {
        return GROUPS.missing(typed);
    }
    let shown = Text::sanitized(typed);
    let message = format!("you were invited to `{shown}` and have not joined");
    OpError::new(ErrorCode::NotConnected, message)
        .suggest("join it", ["group".to_owned(), "join".to_owned(), shown.to_string()])
}

fn short(id: GroupId) -> String {
    id.to_string().chars().take(12).collect()
}
