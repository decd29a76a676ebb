use clap::Args;
use coworker_agent::OpError;
use coworker_agent::ops::{SkillInfo, SkillList};
use coworker_policy::Capability;

use crate::context::Context;
use crate::print::{CODE, Cell, DIM, Table, first_sentence, paint};
use crate::report::Report;

/// The installed skills, and who may know of them
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, OpError> {
        let skills = context.ask(SkillList { name: None }).await?;
        let text = if skills.is_empty() { none(context) } else { table(&skills) };
        Ok(Report::text(text).field("skills", &skills))
    }
}

fn none(context: &Context) -> String {
    let add = paint(CODE, &context.command("skill add FILE.wasm"));
    format!("No skills yet.\n{} {add}", paint(DIM, "install one:"))
}

fn table(skills: &[SkillInfo]) -> String {
    let mut table = Table::new(&["NAME", "VERSION", "EXPOSED FROM", "ASKS FOR", "DESCRIPTION"]);
    for skill in skills {
        let asks: Vec<_> = skill.capabilities.iter().map(Capability::name).collect();
        table.row([
            Cell::bold(&skill.card.name),
            Cell::dim(&skill.card.version),
            Cell::listing(skill.listing),
            Cell::new(if asks.is_empty() { "nothing".to_owned() } else { asks.join(" ") }),
            Cell::new(first_sentence(skill.card.description.as_str())),
        ]);
    }
    table.to_string()
}
