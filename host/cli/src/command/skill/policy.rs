use std::collections::BTreeMap;
use std::io::ErrorKind;

use clap::Args;
use coworker_agent::ops::{PolicyView, SkillInfo, SkillPolicy};
use coworker_agent::{OpError, Session};
use coworker_policy::{Digest, ErrorCode, Grants, Limits, PolicyFile, Terms, Tier};
use serde::Serialize;

use crate::context::Context;
use crate::print::{BAD, DIM, WARN, badge, paint, plain};
use crate::report::Report;

/// What you decided about a skill's component, and the file that says so
#[derive(Debug, Args)]
pub(crate) struct Policy {
    /// The skill
    name: String,
}

impl Policy {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, OpError> {
        let in_force = InForce::of(context.ask(SkillPolicy { name: self.name }).await?)?;
        Ok(in_force.report(""))
    }
}

/// A component's policy: what the agent holds, and what its file says beside the grants.
pub(super) struct InForce {
    view: PolicyView,
    file: PolicyFile,
}

/// What programs are told of a policy.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    #[serde(flatten)]
    view: &'a PolicyView,
    denied: &'a Grants,
    /// Those that are not the defaults.
    limits: BTreeMap<Tier, Moved>,
    config: &'a BTreeMap<String, String>,
}

/// Limits of one tier that are not its defaults, by their keys in the file.
type Moved = BTreeMap<&'static str, u64>;

impl InForce {
    pub(super) fn of(view: PolicyView) -> Result<Self, OpError> {
        let text = match std::fs::read_to_string(&view.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(_) if view.broken.is_some() => String::new(),
            other => other.map_err(|error| {
                let message = format!("cannot read {}: {error}", view.path.display());
                OpError::new(ErrorCode::Usage, message)
            })?,
        };
        // The agent says what is wrong with a file that is, and what was written for another component
        // means nothing for this one.
        let file = PolicyFile::parse(&text).ok().filter(|file| file.digest == Some(view.component));
        Ok(Self { view, file: file.unwrap_or_default() })
    }

    pub(super) fn report(&self, done: &str) -> Report {
        let told = self.lines().join("\n");
        let text = if done.is_empty() { told } else { format!("{done}\n{told}") };
        Report::text(text).fields(&self.told())
    }

    /// For programs.
    pub(super) fn told(&self) -> Told<'_> {
        Told {
            view: &self.view,
            denied: self.file.terms.granted().denied(),
            limits: self.limits().collect(),
            config: &self.file.config,
        }
    }

    /// For people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut say = |what: &str, is: &str| lines.push(row(what, is));
        if let Some(broken) = &self.view.broken {
            say("broken", &paint(BAD, "its skills are hidden until this is mended"));
            broken.lines().for_each(|line| say("", &plain(line)));
            say("policy", &plain(&self.view.path.display().to_string()));
            return lines;
        }
        let grants = self.grants();
        if grants.is_empty() {
            say("granted", "nothing");
        }
        let first = |index, what| if index == 0 { what } else { "" };
        grants.iter().enumerate().for_each(|(index, grant)| say(first(index, "granted"), grant));
        let denied: Vec<_> = self.file.terms.granted().denied().iter().map(|c| c.to_string()).collect();
        if !denied.is_empty() {
            say("denied", &denied.join(", "));
        }
        for (index, (tier, moved)) in self.limits().enumerate() {
            let moved: Vec<_> = moved.iter().map(|(key, value)| format!("{key} {value}")).collect();
            say(first(index, "limits"), &format!("{} {}", badge(tier), moved.join(", ")));
        }
        for (index, (key, value)) in self.file.config.iter().enumerate() {
            say(first(index, "config"), &format!("{} = {}", plain(key), plain(value)));
        }
        say("policy", &plain(&self.view.path.display().to_string()));
        lines
    }

    fn grants(&self) -> Vec<String> {
        let private: Vec<String> = self
            .file
            .terms
            .granted()
            .grants()
            .iter()
            .filter(|grant| grant.allows_private())
            .map(ToString::to_string)
            .collect();
        let warning = paint(WARN, "(reaches your own machine or network)");
        let warned = |grant: &String| {
            let told = plain(grant);
            if private.contains(grant) { format!("{told} {warning}") } else { told }
        };
        self.view.grants.iter().map(warned).collect()
    }

    fn limits(&self) -> impl Iterator<Item = (Tier, Moved)> {
        Tier::ALL.into_iter().map(|tier| (tier, moved(&self.file.terms, tier))).filter(|(_, m)| !m.is_empty())
    }
}

/// Components among these skills' whose policy file cannot be used, and why.
pub(crate) async fn broken(
    session: &Session,
    skills: &[SkillInfo],
) -> Result<BTreeMap<Digest, String>, OpError> {
    let one_each: BTreeMap<Digest, &SkillInfo> =
        skills.iter().map(|skill| (skill.component, skill)).collect();
    let mut broken = BTreeMap::new();
    for (component, skill) in one_each {
        let view = session.run(SkillPolicy { name: skill.card.name.to_string() }).await?;
        broken.extend(view.broken.map(|why| (component, why)));
    }
    Ok(broken)
}

fn row(what: &str, is: &str) -> String {
    format!("  {} {is}", paint(DIM, &format!("{what:<11}")))
}

fn moved(terms: &Terms, tier: Tier) -> Moved {
    let usual = keys(&Limits::of(tier));
    keys(terms.limits(tier)).into_iter().zip(usual).filter(|(is, was)| is != was).map(|(is, _)| is).collect()
}

/// Limits as the file has them.
fn keys(limits: &Limits) -> [(&'static str, u64); 12] {
    let kib = |bytes: usize| (bytes >> 10) as u64;
    [
        ("fuel", limits.fuel),
        ("wall_ms", limits.wall_ms),
        ("memory_mib", (limits.memory_bytes >> 20) as u64),
        ("input_kib", kib(limits.input_bytes)),
        ("output_kib", kib(limits.output_bytes)),
        ("log_kib", kib(limits.log_bytes)),
        ("state_kib", kib(limits.state_bytes)),
        ("egress_kib", kib(limits.egress_bytes)),
        ("http_requests", limits.http_requests),
        ("host_calls", limits.host_calls),
        ("calls_per_min", limits.calls_per_min),
        ("concurrent", limits.concurrent as u64),
    ]
}

#[cfg(test)]
mod tests {
    use coworker_policy::Digest;

    use super::*;

    fn in_force(text: &str, broken: Option<&str>) -> InForce {
        let digest = Digest::of(b"");
        let text = format!("digest = \"{digest}\"\n{text}");
        let file = PolicyFile::parse(&text).unwrap();
        let grants = file.terms.granted().grants().iter().map(ToString::to_string).collect();
        let path = "/home/ada/.coworker/policy.toml".into();
        InForce {
            view: PolicyView { component: digest, path, grants, broken: broken.map(str::to_owned) },
            file,
        }
    }

    fn told(in_force: &InForce) -> String {
        anstream::adapter::strip_str(&in_force.lines().join("\n")).to_string()
    }

    const POLICY: &str = r#"
        [[grant]]
        capability = "http"
        to = ["GET https://api.example.com/*"]

        [[grant]]
        capability = "http"
        to = ["GET http://127.0.0.1:80/"]
        from = "known"

        [[deny]]
        capability = "state"

        [limits.untrusted]
        wall_ms = 2000
        output_kib = 8

        [config]
        currency = "EUR"
    "#;

    #[test]
    fn what_is_in_force_is_told_and_what_is_the_default_is_not() {
        let text = told(&in_force(POLICY, None));
        for part in [
            "granted     http GET https://api.example.com/* from INTERNAL\n",
            "http GET http://127.0.0.1/ from KNOWN (reaches your own machine or network)\n",
            "denied      state\n",
            "limits      UNTRUSTED output_kib 8\n",
            // A grant brings the room to use it.
            "KNOWN egress_kib 4096, http_requests 16\n",
            "config      currency = EUR\n",
            "policy      /home/ada/.coworker/policy.toml",
        ] {
            assert!(text.contains(part), "{part}{text}");
        }
        assert!(!text.contains("wall_ms"), "{text}");
        let document = in_force(POLICY, None).report("").document();
        assert_eq!(document["limits"]["untrusted"]["output_kib"], 8, "{document}");
        assert_eq!(
            (&document["denied"][0], &document["config"]["currency"]),
            (&"state".into(), &"EUR".into())
        );
    }

    #[test]
    fn a_broken_file_is_told_line_by_line_and_nothing_else_of_it() {
        let text = told(&in_force("", Some("policy.toml: line 5\n5 | oops\u{1b}[2J")));
        assert!(text.contains("hidden until this is mended\n") && text.contains("5 | oops"), "{text}");
        assert!(!text.contains("granted") && !text.contains('\u{1b}'), "{text}");
    }
}
