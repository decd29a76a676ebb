use std::path::PathBuf;

use clap::Args;
use coworker_api::ApiError;
use coworker_policy::ErrorCode;
use serde_json::Value;

use super::beside;
use crate::author::{self, Built, Call, Difference, Examples, Project, Trial, Verdict, judge};
use crate::context::Context;
use crate::print::{self, BAD, BOLD, DIM, GOOD, WARN, badge, count, paint};
use crate::report::Report;

/// Build a skill and run its example cases as callers of each tier
#[derive(Debug, Args)]
#[command(after_help = "\
The cases are in tests/*.toml of the skill's folder: an input, and the output or the error that it must have.
They run through the gates and the sandbox, in an agent of their own that goes afterwards.")]
pub(crate) struct Test {
    /// The skill's folder
    #[arg(default_value = ".")]
    path: PathBuf,
}

impl Test {
    pub(crate) async fn run(self, _: &Context) -> Result<Report, ApiError> {
        let project = Project::open(&self.path)?;
        let files = Examples::read(&project)?;
        let built = author::build(&project, true).await?;
        let mut verdicts = Vec::new();
        for cases in &files {
            verdicts.extend(run(&built, cases).await?);
        }
        Ok(report(&built, &verdicts))
    }
}

/// Runs all cases of one file in order in one agent, so that a case sees the state of the cases before it.
async fn run(built: &Built, examples: &Examples) -> Result<Vec<Verdict>, ApiError> {
    let trial = Trial::open().await?;
    let verdicts = within(&trial, built, examples).await;
    trial.close().await;
    let of_file =
        |error: ApiError| ApiError { message: format!("{}: {}", examples.file, error.message), ..error };
    verdicts.map_err(of_file)
}

async fn within(trial: &Trial, built: &Built, examples: &Examples) -> Result<Vec<Verdict>, ApiError> {
    let component = trial.install(&built.path, &examples.given).await?;
    let mut verdicts = Vec::new();
    for case in &examples.cases {
        let skill = case.skill(&component)?.to_owned();
        let mut calls = Vec::new();
        for tier in &case.tiers {
            let tried = trial.call(&skill, case.input.to_string(), *tier).await?;
            calls.push(judge(case, *tier, tried));
        }
        let (file, name) = (examples.file.clone(), case.name.clone());
        verdicts.push(Verdict { file, name, skill, calls });
    }
    Ok(verdicts)
}

fn report(built: &Built, verdicts: &[Verdict]) -> Report {
    let calls: usize = verdicts.iter().map(|verdict| verdict.calls.len()).sum();
    let failed: usize = verdicts.iter().map(Verdict::failed).sum();
    let report = Report::text(text(built, verdicts, calls, failed))
        .field("component", &built.component.digest)
        .field("path", &built.path)
        .field("warnings", &built.warnings)
        .field("passed", &(calls - failed))
        .field("failed", &failed)
        .field("cases", &verdicts);
    if failed == 0 {
        return report;
    }
    let error = ApiError::new(ErrorCode::SkillFailed, format!("{failed} of {} failed", count(calls, "call")));
    report.field("ok", &false).field("error", &print::problem(&error))
}

fn text(built: &Built, verdicts: &[Verdict], calls: usize, failed: usize) -> String {
    let mut lines: Vec<_> = built
        .warnings
        .iter()
        .map(|told| format!("{} {}", paint(WARN, "warning:"), print::plain(told)))
        .collect();
    let width = verdicts.iter().map(|verdict| verdict.name.chars().count()).max().unwrap_or_default();
    let mut file = "";
    for verdict in verdicts {
        if verdict.file != file {
            file = &verdict.file;
            lines.push(paint(BOLD, file));
        }
        lines.extend(lines_of(verdict, width));
    }
    let sum = format!("{}, {}", count(verdicts.len(), "case"), count(calls, "call"));
    lines.push(match failed {
        0 => format!("{} {sum}: all passed", paint(GOOD, "✓")),
        _ => format!("{} {sum}: {failed} failed", paint(BAD, "✗")),
    });
    lines.join("\n")
}

fn lines_of(verdict: &Verdict, width: usize) -> Vec<String> {
    let name = format!("{:<width$}", print::plain(&verdict.name));
    let passed: Vec<&Call> = verdict.calls.iter().filter(|call| call.ok).collect();
    let mut lines = Vec::new();
    if !passed.is_empty() {
        let tiers: Vec<_> = passed.iter().map(|call| badge(call.tier)).collect();
        let slowest = passed.iter().map(|call| call.duration_ms).reduce(f64::max);
        // A call that was refused took none of the sandbox's time.
        let took =
            slowest.filter(|ms| *ms > 0.0).map(|ms| paint(DIM, &format!("  {ms:.1} ms"))).unwrap_or_default();
        lines.push(format!("  {} {name}  {}{took}", paint(GOOD, "✓"), tiers.join(" ")));
    }
    for call in verdict.calls.iter().filter(|call| !call.ok) {
        lines.push(format!("  {} {name}  {}", paint(BAD, "✗"), badge(call.tier)));
        lines.extend(call.differences.iter().flat_map(lines_of_difference));
        lines.extend(beside::lines(&call.log, &call.denied).iter().map(|line| format!("      {line}")));
    }
    lines
}

fn lines_of_difference(difference: &Difference) -> Vec<String> {
    let shown = |mark: &str, value: &Option<Value>| {
        let json = value.as_ref().map_or_else(|| "nothing".to_owned(), print::plain_json);
        json.lines().map(|line| format!("        {mark} {line}")).collect::<Vec<_>>()
    };
    let mut lines = vec![format!("      {}", print::plain(&difference.at))];
    lines.extend(shown("-", &difference.expected).iter().map(|line| paint(GOOD, line)));
    lines.extend(shown("+", &difference.found).iter().map(|line| paint(BAD, line)));
    lines
}
