//! What the owner sees before a component is installed, and the question.

use std::collections::BTreeSet;
use std::path::Path;

use coworker_agent::ops::{ComponentInfo, SkillAdd, SkillAdded, SkillLook};
use coworker_agent::{OpError, Session};
use coworker_policy::{Capability, ErrorCode, Tier};

use crate::context::Context;
use crate::print::{self, BOLD, DIM, GOOD, WARN, bytes, paint};
use crate::prompt;

/// What reaches outside a call; the consent screen says which of it a component can never do.
const POWERS: [Capability; 6] = [
    Capability::Http,
    Capability::Files,
    Capability::State,
    Capability::Llm,
    Capability::Peers,
    Capability::Secrets,
];

/// Shows what a component is and could ask for, asks once, installs it.
pub(crate) async fn install(
    context: &Context,
    session: &Session,
    path: &Path,
    yes: bool,
    expose: Option<Tier>,
) -> Result<SkillAdded, OpError> {
    let path = std::path::absolute(path)
        .map_err(|error| OpError::new(ErrorCode::Usage, format!("cannot use {}: {error}", path.display())))?;
    let component = session.run(SkillLook { path: path.clone() }).await?;
    context.say(&screen(&component, &path));
    let again = context.command(&format!("skill add {} --yes", path.display()));
    prompt::agree(context, yes, "Install it?", &again)?;
    session.run(SkillAdd { path, agreed: component.digest, expose }).await
}

fn screen(component: &ComponentInfo, path: &Path) -> String {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut lines =
        vec![format!("{} {}", paint(BOLD, &print::plain(&file)), paint(DIM, &bytes(component.size)))];
    let mut say =
        |what: &str, text: &str| lines.push(format!("  {} {text}", paint(DIM, &format!("{what:<8}"))));
    say("digest", &component.digest.to_string());
    for (index, skill) in component.skills.iter().enumerate() {
        let what = if index == 0 { "skills" } else { "" };
        say(what, &format!("{} {}", paint(BOLD, skill.name.as_str()), skill.version));
        print::paragraphs(&skill.description).for_each(|line| say("", &line));
    }
    say("exports", &print::plain(&component.exports.join(", ")));
    lines.push(String::new());
    lines.extend(requests(component));
    lines.join("\n")
}

fn requests(component: &ComponentInfo) -> Vec<String> {
    let asked: BTreeSet<Capability> =
        component.imports.iter().filter_map(|import| import.capability).collect();
    let mut lines = vec![if asked.is_empty() { "It asks for nothing." } else { "It asks for" }.to_owned()];
    for capability in &asked {
        let granted = if Capability::ALWAYS.contains(capability) {
            paint(GOOD, "always granted")
        } else {
            paint(WARN, "not granted: it runs without")
        };
        let from: Vec<_> =
            component.imports.iter().filter(|import| import.capability == Some(*capability)).collect();
        let from: Vec<_> = from.iter().map(|import| print::plain(&import.interface)).collect();
        lines.push(format!(
            "  {} {:<42} {granted}",
            paint(BOLD, &format!("{:<8}", capability.name())),
            capability.meaning()
        ));
        lines.push(paint(DIM, &format!("           {}", from.join(", "))));
    }
    let harmless: Vec<_> = component.imports.iter().filter(|import| import.capability.is_none()).collect();
    if !harmless.is_empty() {
        let names: Vec<_> = harmless.iter().map(|import| print::plain(&import.interface)).collect();
        lines.push(paint(DIM, &format!("  imports that give it nothing: {}", names.join(", "))));
    }
    // A secret goes into web requests only.
    let never = |power: &&Capability| {
        !asked.contains(*power) && (**power != Capability::Secrets || !asked.contains(&Capability::Http))
    };
    let never: Vec<_> = POWERS.iter().filter(never).map(|power| power.meaning()).collect();
    if !never.is_empty() {
        lines.push(format!("It imports nothing else, so it can never: {}.", never.join(", ")));
    }
    lines.push(String::new());
    lines
}

#[cfg(test)]
mod tests {
    use coworker_agent::ops::ImportInfo;
    use coworker_policy::Digest;

    use super::*;

    fn component(imports: &[(&str, Option<Capability>)]) -> ComponentInfo {
        let import = |(name, capability): &(&str, _)| ImportInfo {
            interface: (*name).into(),
            capability: *capability,
        };
        let imports = imports.iter().map(import).collect();
        ComponentInfo {
            digest: Digest::of(b""),
            size: 10,
            exports: vec!["invoke".into()],
            imports,
            skills: Vec::new(),
        }
    }

    fn told(component: &ComponentInfo) -> String {
        anstream::adapter::strip_str(&requests(component).join("\n")).to_string()
    }

    #[test]
    fn a_component_without_imports_can_never_do_anything() {
        let text = told(&component(&[]));
        assert!(text.starts_with("It asks for nothing."), "{text}");
        assert!(
            text.contains("never: send web requests, read files, remember things between calls"),
            "{text}"
        );
    }

    #[test]
    fn what_it_imports_is_not_among_what_it_can_never_do() {
        let imports =
            [("wasi:http/outgoing-handler@0.2.0", Some(Capability::Http)), ("wasi:io/poll@0.2.0", None)];
        let text = told(&component(&imports));
        let never = text.split("never: ").nth(1).unwrap();
        assert!(!never.contains("web requests") && !never.contains("secret"), "{text}");
        assert!(never.contains("read files"), "{text}");
        assert!(text.contains("not granted") && text.contains("give it nothing: wasi:io/poll"), "{text}");
    }
}
