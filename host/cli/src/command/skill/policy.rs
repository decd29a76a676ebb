use std::collections::BTreeMap;

use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{PolicyView, SkillInfo, SkillPolicy};
use coworker_policy::Digest;

use crate::context::Context;
use crate::print::{BAD, DIM, WARN, badge, paint, plain};
use crate::report::Report;
use crate::session::Session;

/// Show the policy of a skill's component and its file
#[derive(Debug, Args)]
pub(crate) struct Policy {
    /// The skill
    name: String,
}

impl Policy {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let in_force = InForce::of(context.ask(SkillPolicy { name: self.name }).await?);
        Ok(in_force.report(""))
    }
}

/// A component's policy as the agent holds it.
pub(super) struct InForce(PolicyView);

impl InForce {
    pub(super) fn of(view: PolicyView) -> Self {
        Self(view)
    }

    pub(super) fn report(&self, done: &str) -> Report {
        let told = self.lines().join("\n");
        let text = if done.is_empty() { told } else { format!("{done}\n{told}") };
        Report::text(text).fields(&self.0)
    }

    /// For programs.
    pub(super) fn told(&self) -> &PolicyView {
        &self.0
    }

    /// For people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut say = |what: &str, is: &str| lines.push(row(what, is));
        if let Some(broken) = &self.0.broken {
            say("broken", &paint(BAD, "its skills are hidden until this is mended"));
            broken.lines().for_each(|line| say("", &plain(line)));
            say("policy", &plain(&self.0.path.display().to_string()));
            return lines;
        }
        let grants = self.grants();
        if grants.is_empty() {
            say("granted", "nothing");
        }
        let first = |index, what| if index == 0 { what } else { "" };
        grants.iter().enumerate().for_each(|(index, grant)| say(first(index, "granted"), grant));
        let denied: Vec<_> = self.0.denied.iter().map(|c| c.to_string()).collect();
        if !denied.is_empty() {
            say("denied", &denied.join(", "));
        }
        for (index, (tier, moved)) in self.0.limits.iter().enumerate() {
            let moved: Vec<_> = moved.iter().map(|(key, value)| format!("{key} {value}")).collect();
            say(first(index, "limits"), &format!("{} {}", badge(*tier), moved.join(", ")));
        }
        for (index, (skill, leaks)) in self.0.leaks.iter().enumerate() {
            say(first(index, "leaks"), &format!("{skill} {}", leaks.name()));
        }
        for (index, (key, value)) in self.0.config.iter().enumerate() {
            say(first(index, "config"), &format!("{} = {}", plain(key), plain(value)));
        }
        say("policy", &plain(&self.0.path.display().to_string()));
        lines
    }

    fn grants(&self) -> Vec<String> {
        let warning = paint(WARN, "(reaches your own machine or network)");
        let warned = |grant: &String| {
            let told = plain(grant);
            if self.0.private.contains(grant) { format!("{told} {warning}") } else { told }
        };
        self.0.grants.iter().map(warned).collect()
    }
}

/// Components among these skills' whose policy file cannot be used, and why.
pub(crate) async fn broken(
    session: &Session,
    skills: &[SkillInfo],
) -> Result<BTreeMap<Digest, String>, ApiError> {
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

#[cfg(test)]
mod tests {
    use coworker_leak::LeakMode;
    use coworker_policy::{Capability, Tier};

    use super::*;

    fn in_force(broken: Option<&str>) -> InForce {
        let private = "http GET http://127.0.0.1/ from KNOWN".to_owned();
        InForce(PolicyView {
            component: Digest::of(b""),
            path: "/home/ada/.coworker/policy.toml".into(),
            grants: vec!["http GET https://api.example.com/* from INTERNAL".to_owned(), private.clone()],
            private: vec![private],
            denied: [Capability::State].into_iter().collect(),
            limits: BTreeMap::from([(Tier::Untrusted, BTreeMap::from([("output_kib".to_owned(), 8)]))]),
            leaks: BTreeMap::from([("quote".parse().unwrap(), LeakMode::Redact)]),
            config: BTreeMap::from([("currency".to_owned(), "EUR".to_owned())]),
            broken: broken.map(str::to_owned),
        })
    }

    fn told(in_force: &InForce) -> String {
        anstream::adapter::strip_str(&in_force.lines().join("\n")).to_string()
    }

    #[test]
    fn what_is_in_force_is_told() {
        let text = told(&in_force(None));
        for part in [
            "granted     http GET https://api.example.com/* from INTERNAL\n",
            "http GET http://127.0.0.1/ from KNOWN (reaches your own machine or network)\n",
            "denied      state\n",
            "leaks       quote redact\n",
            "limits      UNTRUSTED output_kib 8\n",
            "config      currency = EUR\n",
            "policy      /home/ada/.coworker/policy.toml",
        ] {
            assert!(text.contains(part), "{part}{text}");
        }
        let document = in_force(None).report("").document();
        assert_eq!(document["limits"]["untrusted"]["output_kib"], 8, "{document}");
        assert_eq!(
            (&document["denied"][0], &document["config"]["currency"]),
            (&"state".into(), &"EUR".into())
        );
    }

    #[test]
    fn a_broken_file_is_told_line_by_line_and_nothing_else_of_it() {
        let text = told(&in_force(Some("policy.toml: line 5\n5 | oops\u{1b}[2J")));
        assert!(text.contains("hidden until this is mended\n") && text.contains("5 | oops"), "{text}");
        assert!(!text.contains("granted") && !text.contains('\u{1b}'), "{text}");
    }
}
