use coworker_channel::GroupId;
use coworker_policy::{ErrorCode, Text};
use serde::{Deserialize, Serialize};

use super::Operation;
use super::discover::patience;
use super::group_list::GroupInfo;
use crate::agent::Agent;
use crate::error::OpError;
use crate::groups;

/// Accepts an invitation, and waits until we are in.
#[derive(Debug, Serialize, Deserialize)]
pub struct GroupJoin {
    /// The group's name, or the start of its id.
    pub group: String,
    /// Seconds.
    pub timeout: f64,
}

/// Leaves a group, or says no to an invitation.
#[derive(Debug, Serialize, Deserialize)]
pub struct GroupLeave {
    pub group: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct GroupLeft {
    pub group: GroupId,
    pub name: String,
    /// It was an invitation only.
    pub declined: bool,
}

impl Operation for GroupJoin {
    type Answer = GroupInfo;

    async fn run(self, agent: &Agent) -> Result<GroupInfo, OpError> {
        let patience = patience(self.timeout)?;
        let typed = self.group;
        let (key, name) = groups::at_desk(agent, move |circle| {
            let invite = match circle.find_invite(&typed)? {
                Ok(invite) => invite,
                Err(error) => return Ok(Err(error)),
            };
            let accepted = circle.accept(&invite)?;
            Ok(accepted.map(|()| (invite.id, invite.name)))
        })
        .await?;
        let welcome = async {
            loop {
                let news = agent.group_news.notified();
                let look = groups::at_desk_quietly(agent, move |circle| {
                    let row = circle.work.tx.group(&key)?.filter(|row| !row.ended);
                    let asked = circle.work.tx.group_tickets()?.iter().any(|row| row.id == key);
                    Ok((row.map(|row| circle.info(&row)).transpose()?, asked))
                });
                match look.await? {
                    (Some(info), _) => return Ok(info),
                    (None, true) => news.await,
                    (None, false) => return Err(void(&name)),
                }
            }
        };
        tokio::time::timeout(patience, welcome).await.unwrap_or_else(|_| {
            let message = format!("the steward of `{}` has not answered yet", Text::sanitized(&name));
            Err(OpError::new(ErrorCode::Deadline, message)
                .hint("you are in as soon as it is online: coworker group list"))
        })
    }
}

/// The steward's no: another one leads the group by now, or the invitation was taken back.
fn void(name: &str) -> OpError {
    let message = format!("the invitation to `{}` does not hold any more", Text::sanitized(name));
    OpError::new(ErrorCode::BadInvite, message)
        .hint("ask the group's steward for a new one: it may be another agent by now")
}

impl Operation for GroupLeave {
    type Answer = GroupLeft;

    async fn run(self, agent: &Agent) -> Result<GroupLeft, OpError> {
        groups::at_desk(agent, move |circle| {
            let found = match circle.find(&self.group)? {
                Ok(row) => row,
                Err(error) => return circle.give_up(&self.group, error),
            };
            let group = GroupId::from_bytes(found.id);
            let left = circle.leave(group)?;
            Ok(left.map(|()| GroupLeft { group, name: found.name, declined: false }))
        })
        .await
    }
}

impl groups::Circle<'_, '_> {
    /// It is no group that we are in: perhaps one that we were asked into.
    fn give_up(
        &mut self,
        typed: &str,
        unknown: OpError,
    ) -> Result<Result<GroupLeft, OpError>, crate::desk::DeskError> {
        let (key, name, steward) = if let Ok(invite) = self.find_invite(typed)? {
            (invite.id, invite.name, invite.steward)
        } else {
            let id = |key: &[u8; 32]| GroupId::from_bytes(*key).to_string();
            let tickets = self.work.tx.group_tickets()?;
            let mut named =
                tickets.into_iter().filter(|row| row.name == typed || id(&row.id).starts_with(typed));
            match (named.next(), named.next()) {
                (Some(row), None) => (row.id, row.name, row.steward),
                _ => return Ok(Err(unknown)),
            }
        };
        let group = GroupId::from_bytes(key);
        self.decline(group, steward)?;
        Ok(Ok(GroupLeft { group, name, declined: true }))
    }
}
