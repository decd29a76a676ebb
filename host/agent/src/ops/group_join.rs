use coworker_api::ops::{GroupInfo, GroupJoin, GroupLeave, GroupLeft};
use coworker_policy::{ErrorCode, Text};

use super::Run;
use super::discover::checked_timeout;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::groups;

impl Run for GroupJoin {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GroupInfo, OpError> {
        let timeout = checked_timeout(self.timeout)?;
        let typed = self.group;
        let (key, name) = agent
            .groups
            .in_transaction(move |groups| {
                let invite = match groups.find_invite(&typed)? {
                    Ok(invite) => invite,
                    Err(error) => return Ok(Err(error)),
                };
                let accepted = groups.accept(&invite)?;
                Ok(accepted.map(|()| (invite.id, invite.name)))
            })
            .await?;
        let welcome = async {
            loop {
                let news = agent.groups.news();
                let look = agent.groups.in_read_transaction(move |groups| {
                    let row = groups.tx.store.group(key)?.filter(|row| !row.ended);
                    let asked = groups.tx.store.group_tickets()?.iter().any(|row| row.id == key);
                    Ok((row.map(|row| groups.info(&row)).transpose()?, asked))
                });
                match look.await? {
                    (Some(info), _) => return Ok(info),
                    (None, true) => news.await,
                    (None, false) => return Err(void(&name)),
                }
            }
        };
        tokio::time::timeout(timeout, welcome).await.unwrap_or_else(|_| {
            let message = format!("the steward of `{}` has not answered yet", Text::sanitized(&name));
            Err(OpError::new(ErrorCode::Deadline, message)
                .suggest("you are in as soon as it is online", ["group", "list"]))
        })
    }
}

/// The steward's no: another one leads the group by now, or the invitation was taken back.
fn void(name: &str) -> OpError {
    let message = format!("the invitation to `{}` does not hold any more", Text::sanitized(name));
    OpError::new(ErrorCode::BadInvite, message)
        .hint("ask the group's steward for a new one: it may be another agent by now")
}

impl Run for GroupLeave {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GroupLeft, OpError> {
        agent
            .groups
            .in_transaction(move |groups| {
                let found = match groups.find(&self.group)? {
                    Ok(row) => row,
                    Err(error) => return groups.give_up(&self.group, error),
                };
                let group = found.id;
                let left = groups.leave(group)?;
                Ok(left.map(|()| GroupLeft { group, name: found.name, declined: false }))
            })
            .await
    }
}

impl groups::GroupTransaction<'_, '_> {
    /// Declines an invitation, for a name that is not one of our groups.
    fn give_up(
        &mut self,
        typed: &str,
        unknown: OpError,
    ) -> Result<Result<GroupLeft, OpError>, crate::state::StateError> {
        let (group, name, steward) = if let Ok(invite) = self.find_invite(typed)? {
            (invite.id, invite.name, invite.steward)
        } else {
            let tickets = self.tx.store.group_tickets()?;
            let mut named =
                tickets.into_iter().filter(|row| row.name == typed || row.id.to_string().starts_with(typed));
            match (named.next(), named.next()) {
                (Some(row), None) => (row.id, row.name, row.steward),
                _ => return Ok(Err(unknown)),
            }
        };
        self.decline(group, steward)?;
        Ok(Ok(GroupLeft { group, name, declined: true }))
    }
}
