use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{GroupConversation, GroupRead, GroupSaid, GroupSend};
use serde_json::json;

use crate::context::{Context, now_ms};
use crate::print::{self, BOLD, DIM, GOOD, ago, paint};
use crate::report::Report;
use crate::session::Session;

/// How long one look waits for something new, in seconds.
const WAIT: f64 = 20.0;

/// Send a message to a group; members that are offline receive it later
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The group's name, or the start of its id
    group: String,

    /// The message, at most 4096 bytes
    text: String,
}

/// Read a group's messages, in the order that all members see
#[derive(Debug, Args)]
pub(crate) struct Read {
    /// The group's name, or the start of its id
    group: String,

    /// Wait for new messages, until Ctrl-C; with --json, print a line for each
    #[arg(long)]
    follow: bool,

    /// Show only messages that arrived after the message with this number (`n` in --json)
    #[arg(long, value_name = "N", default_value_t = 0)]
    since: u64,

    /// Show only the newest messages, this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

impl Send {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let sent = context.ask(GroupSend { group: self.group, text: self.text }).await?;
        let text = format!("{} said to {}", paint(GOOD, "✓"), print::count(sent.to, "member"));
        Ok(Report::text(text).fields(&sent))
    }
}

impl Read {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        if self.follow {
            return self.follow(context).await;
        }
        let Self { group, since, limit, .. } = self;
        let read = context.ask(GroupRead { group, since, limit, wait: 0.0 }).await?;
        let lines: Vec<_> = read.messages.iter().map(line).collect();
        let text = if lines.is_empty() { "Nothing yet.".to_owned() } else { lines.join("\n") };
        Ok(Report::text(text).fields(&read))
    }

    async fn follow(self, context: &Context) -> Result<Report, ApiError> {
        let follow = async |session: &Session| {
            let (mut since, mut wait) = (self.since, 0.0);
            loop {
                let look = GroupRead { group: self.group.clone(), since, limit: self.limit, wait };
                let read = tokio::select! {
                    read = session.run(look) => read?,
                    _ = tokio::signal::ctrl_c() => return Ok(Report::silent()),
                };
                show(context, &read);
                (since, wait) = (read.next, WAIT);
            }
        };
        context.with_session(follow).await
    }
}

fn show(context: &Context, read: &GroupConversation) {
    for said in &read.messages {
        if context.json {
            print::document(&json!(said));
        } else {
            print::out(&line(said));
        }
    }
}

/// One line for each message: words of others cannot pass for another's.
fn line(said: &GroupSaid) -> String {
    let who = said.from_name.as_ref().map_or_else(|| said.from.short(), ToString::to_string);
    let when = paint(DIM, &ago(now_ms(), said.at_ms));
    format!("{} {when}  {}", paint(BOLD, &print::plain(&who)), print::plain(&said.text))
}
