use std::time::Duration;

use coworker_api::ops::{GroupConversation, GroupRead, GroupSaid, GroupSend, GroupSent};
use coworker_policy::{AgentName, ErrorCode, RequestId, Text};
use coworker_store::GroupMessageRow;

use super::Run;
use super::group_list::name;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::groups::KEEP_MESSAGES;

/// Longest wait for something new, in seconds.
const MAX_WAIT: f64 = 60.0;

impl Run for GroupSend {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GroupSent, OpError> {
        let text = Text::new(self.text).map_err(|error| {
            OpError::new(ErrorCode::Usage, format!("this cannot be said in a group: {error}"))
                .hint(format!("say at most {} bytes of plain text at once", Text::MAX))
        })?;
        if text.is_empty() {
            return Err(OpError::new(ErrorCode::Usage, "there is nothing to say"));
        }
        agent
            .groups
            .in_transaction(move |groups| {
                let row = match groups.find_going(&self.group)? {
                    Ok(row) => row,
                    Err(error) => return Ok(Err(error)),
                };
                let id = RequestId::random();
                let said = groups.say(&row, id, &text)?;
                let group = row.id;
                Ok(said.map(|(seq, to)| GroupSent { group, name: row.name, id, seq, to }))
            })
            .await
    }
}

impl Run for GroupRead {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<GroupConversation, OpError> {
        if !(0.0..=MAX_WAIT).contains(&self.wait) {
            return Err(OpError::new(ErrorCode::Usage, "a wait has 0 to 60 seconds"));
        }
        let until = tokio::time::Instant::now() + Duration::from_secs_f64(self.wait);
        let limit = self.limit.min(KEEP_MESSAGES);
        loop {
            let news = agent.groups.news();
            let read = look(agent, self.group.clone(), self.since, limit).await?;
            if !read.messages.is_empty() || tokio::time::timeout_at(until, news).await.is_err() {
                return Ok(read);
            }
        }
    }
}

async fn look(agent: &Agent, typed: String, since: u64, limit: usize) -> Result<GroupConversation, OpError> {
    agent
        .groups
        .in_read_transaction(move |groups| {
            let row = match groups.find(&typed)? {
                Ok(row) => row,
                Err(error) => return Ok(Err(error)),
            };
            let rows = groups.tx.store.group_messages(row.id, since, limit)?;
            let next = rows.iter().map(|row| row.n).max().unwrap_or(since);
            let mut messages = Vec::with_capacity(rows.len());
            let mut names = std::collections::BTreeMap::new();
            for row in rows {
                let from_name = match names.get(&row.author) {
                    Some(name) => Clone::clone(name),
                    None if row.author == groups.us => None,
                    None => name(groups.tx, row.author)?,
                };
                names.insert(row.author, from_name.clone());
                messages.push(said(row, from_name));
            }
            let group = row.id;
            Ok(Ok(GroupConversation { group, name: row.name, messages, next }))
        })
        .await?
}

fn said(row: GroupMessageRow, from_name: Option<AgentName>) -> GroupSaid {
    let GroupMessageRow { n, seq, author, id, text, at_ms, .. } = row;
    GroupSaid { n, from: author, from_name, seq, id: id.to_string(), text, at_ms }
}
