use std::collections::BTreeMap;

use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{SkillInfo, SkillList};
use coworker_policy::{Capability, Digest};

use super::policy;
use crate::context::Context;
use crate::print::{BAD, CODE, Cell, DIM, Table, first_sentence, paint, plain};
use crate::report::Report;

/// List the installed skills and the tiers that may see them
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let (skills, broken) = context
            .with_session(async |session| {
                let skills = session.run(SkillList { name: None }).await?;
                let broken = policy::broken(session, &skills).await?;
                Ok((skills, broken))
            })
            .await?;
        let text =
            if skills.is_empty() { none(context) } else { table(&skills) + &notices(&skills, &broken) };
        Ok(Report::text(text).field("skills", &skills).field("broken_policies", &broken))
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

/// Skills that nobody sees because of a mistake, and the mistake.
fn notices(skills: &[SkillInfo], broken: &BTreeMap<Digest, String>) -> String {
    let notice = |(component, why): (&Digest, &String)| {
        let of = skills.iter().filter(|skill| skill.component == *component);
        let names: Vec<_> = of.map(|skill| skill.card.name.as_str()).collect();
        let why: Vec<_> = why.lines().map(plain).collect();
        let why = why.join("\n    ");
        let (mark, names) = (paint(BAD, "✗"), names.join(", "));
        format!("\n{mark} {names}: hidden from everybody until the policy file is mended\n    {why}")
    };
    broken.iter().map(notice).collect()
}
