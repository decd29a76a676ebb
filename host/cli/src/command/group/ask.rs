use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{GroupCall, GroupDiscover, MemberCards};

use crate::command::input;
use crate::context::Context;
use crate::print::{self, BOLD, DIM, badge, paint};
use crate::report::Report;

/// List the skills that each member shows you
#[derive(Debug, Args)]
pub(crate) struct Discover {
    /// The group's name, or the start of its id
    group: String,

    /// Give up on a member after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    timeout: f64,
}

/// Call a member's skill; the other members see neither input nor output
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The group's name, or the start of its id
    group: String,

    /// The member's name, its id, or the start of its id
    member: String,

    /// The skill's name, as `group discover` shows it
    skill: String,

    /// JSON text, `-` for standard input, `@FILE` for a file
    #[arg(value_name = "INPUT", allow_hyphen_values = true)]
    input: Option<String>,

    /// Give up after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,
}

impl Discover {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let found = context.ask(GroupDiscover { group: self.group, timeout: self.timeout }).await?;
        let text = found.members.iter().map(shown).collect::<Vec<_>>().join("\n");
        Ok(Report::text(text).fields(&found))
    }
}

fn shown(member: &MemberCards) -> String {
    let name = member.name.as_ref().map_or_else(|| member.peer.short(), ToString::to_string);
    let mut lines = vec![format!("{} {}", paint(BOLD, &print::plain(&name)), badge(member.tier))];
    if let Some(error) = &member.error {
        lines.push(paint(DIM, &print::plain(&error.message)));
    } else if member.skills.is_empty() {
        lines.push(paint(DIM, "shows you nothing"));
    }
    lines.extend(member.skills.iter().map(|card| {
        let what = print::first_sentence(card.description.as_str());
        format!("{}  {}", card.name, print::plain(&what))
    }));
    lines.join("\n  ")
}

impl Call {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let input = input::read(self.input.as_deref())?;
        let Self { group, member, skill, timeout, .. } = self;
        let called = context.ask_live(GroupCall { group, member, skill, input, timeout }, false).await?;
        if !context.json {
            print::note(&paint(DIM, &format!("{:.0} ms, request {}", called.duration_ms, called.id)));
        }
        Ok(Report::text(print::plain_json(&called.output)).fields(&called))
    }
}
