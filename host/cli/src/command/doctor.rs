#[path = "doctor_network.rs"]
mod doctor_network;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use clap::Args;
use coworker_api::ops::{ModelInfo, ModelLook, SkillList, SkillLook, Status};
use coworker_api::{ApiError, Hint};
use coworker_policy::ErrorCode;
use serde::Serialize;

use super::skill::policy;
use crate::context::Context;
use crate::print::{self, BAD, BOLD, GOOD, WARN, paint};
use crate::report::Report;
use crate::session::Session;

/// Check the setup and show a fix for each problem
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// Not as it should be for all purposes, but not broken.
    Note,
    Failed,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    found: String,
    #[serde(rename = "mend", skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    #[serde(skip)]
    code: ErrorCode,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), fix: None, code: ErrorCode::Usage }
    }

    fn note(name: &'static str, found: impl Into<String>, fix: String) -> Self {
        Self { state: State::Note, fix: Some(fix), ..Self::ok(name, found) }
    }

    fn failed(name: &'static str, error: ApiError) -> Self {
        Self { name, state: State::Failed, fix: print::hints(&error), found: error.message, code: error.code }
    }

    fn of(name: &'static str, outcome: Result<String, ApiError>) -> Self {
        match outcome {
            Ok(found) => Self::ok(name, found),
            Err(error) => Self::failed(name, error),
        }
    }
}

impl Doctor {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let dir = context.home.dir();
        let mut checks = vec![Check::ok("version", env!("CARGO_PKG_VERSION"))];
        checks.push(Check::of("configuration", configuration(context)));
        if checks.iter().all(|check| check.state == State::Ok) {
            checks.push(Check::of("data directory", private(dir, 0o700)));
            checks.push(Check::of("identity key", private(&dir.join("identity.key"), 0o600)));
            let key = context.home.model_key_path();
            if key.exists() {
                checks.push(Check::of("model's key", private(&key, 0o600)));
            }
            checks.extend(of_agent(context).await);
        }
        Ok(report(&checks))
    }
}

fn configuration(context: &Context) -> Result<String, ApiError> {
    let config = context.home.config()?;
    Ok(format!("{}, network {}", print::plain(config.name.as_str()), config.network.mode))
}

/// Nobody but its owner may read it.
fn private(path: &Path, mode: u32) -> Result<String, ApiError> {
    let metadata = std::fs::metadata(path).map_err(|error| {
        ApiError::new(ErrorCode::Usage, format!("cannot look at {}: {error}", path.display()))
            .hint("restore it from a backup, or start anew with another --data directory")
    })?;
    let found = metadata.permissions().mode() & 0o777;
    if found | mode == mode {
        return Ok(format!("{} ({found:03o})", path.display()));
    }
    Err(ApiError::new(ErrorCode::Usage, format!("others can reach {} ({found:03o})", path.display()))
        .hint(format!("chmod {mode:o} {}", path.display())))
}

/// Checks that need a running agent.
async fn of_agent(context: &Context) -> Vec<Check> {
    let session = match Session::open(&context.home).await {
        Ok(session) => session,
        Err(error) => return vec![Check::failed("database", error)],
    };
    let mut checks = vec![Check::of("database", session.run(Status {}).await.map(|_| "opens".to_owned()))];
    checks.push(if session.is_serving() {
        Check::ok("serving", "yes")
    } else {
        Check::note("serving", "no: peers cannot reach it", context.command("serve"))
    });
    checks.extend(doctor_network::checks(context, &session).await);
    checks.push(Check::of("components", components(context, &session).await));
    checks.push(Check::of("policies", policies(&session).await));
    checks.push(match session.run(ModelLook {}).await {
        Ok(ModelInfo { problem: Some(problem), .. }) | Err(problem) => {
            Check::failed("language model", problem)
        }
        Ok(model) => Check::ok("language model", super::status::model(&model)),
    });
    session.close().await;
    checks
}

/// Every installed component is the one that was agreed to, loads, and describes itself.
async fn components(context: &Context, session: &Session) -> Result<String, ApiError> {
    let skills = session.run(SkillList { name: None }).await?;
    let digests: BTreeSet<_> = skills.iter().map(|skill| skill.component).collect();
    for digest in &digests {
        let names: Vec<_> =
            skills.iter().filter(|s| s.component == *digest).map(|s| s.card.name.as_str()).collect();
        let fix = format!(
            "remove it ({}) and add it again",
            context.command(&format!("skill remove {}", names.join(" ")))
        );
        let path = context.home.policy(*digest).with_file_name("component.wasm");
        let looked = session.run(SkillLook { path }).await;
        let of = |what: &str| ApiError::new(ErrorCode::BadComponent, format!("{}: {what}", names.join(", ")));
        match looked {
            Ok(component) if component.digest == *digest => {}
            Ok(_) => return Err(of("the component was changed on disk").hint(fix)),
            Err(error) => return Err(of(&error.message).hint(fix)),
        }
    }
    Ok(format!("{} of {}", print::count(digests.len(), "component"), print::count(skills.len(), "skill")))
}

/// Every policy file can be used; the skills of one that cannot are hidden.
async fn policies(session: &Session) -> Result<String, ApiError> {
    let skills = session.run(SkillList { name: None }).await?;
    let broken = policy::broken(session, &skills).await?;
    match broken.values().next() {
        None => Ok("all can be used".to_owned()),
        Some(why) => Err(ApiError::new(ErrorCode::Usage, why.as_str())
            .hint("mend it in an editor; docs/policy.md explains every key")),
    }
}

fn report(checks: &[Check]) -> Report {
    let report = Report::text(text(checks)).field("checks", &checks);
    let Some(failed) = checks.iter().find(|check| check.state == State::Failed) else { return report };
    let mut error = ApiError::new(failed.code, format!("{}: {}", failed.name, failed.found));
    error.hints.extend(failed.fix.clone().map(Hint::Text));
    report.field("ok", &false).field("error", &print::problem(&error))
}

fn text(checks: &[Check]) -> String {
    let mut lines = Vec::new();
    for check in checks {
        let (style, mark) = match check.state {
            State::Ok => (GOOD, "✓"),
            State::Note => (WARN, "!"),
            State::Failed => (BAD, "✗"),
        };
        let name = format!("{:<15}", check.name);
        let found: Vec<_> = check.found.lines().map(print::plain).collect();
        let found = found.join("\n                    ");
        lines.push(format!("{} {} {found}", paint(style, mark), paint(BOLD, &name)));
        lines.extend(check.fix.iter().map(|fix| format!("    {}", print::plain(fix))));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_check_makes_the_whole_fail_and_names_the_mend() {
        let bad = ApiError::new(ErrorCode::BadComponent, "it is gone").hint("bring it back");
        let document = report(&[Check::ok("version", "1"), Check::failed("components", bad)]).document();
        assert_eq!(document["ok"], false);
        assert_eq!(document["error"]["code"], "BAD_COMPONENT");
        assert_eq!(document["error"]["hint"], "bring it back");
        assert_eq!(document["checks"][0]["state"], "ok");
        let note = [Check::note("serving", "no", "coworker serve".into())];
        assert_eq!(report(&note).document()["ok"], true);
    }
}
