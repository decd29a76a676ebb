//! The consent screen before a component is installed, and its question.

use std::collections::BTreeSet;
use std::path::Path;

use coworker_api::ApiError;
use coworker_api::ops::{
    ComponentInfo, ModelLook, Resolved, SkillAdd, SkillAdded, SkillExpose, SkillGrant, SkillLook,
};
use coworker_policy::{Capability, Text, Tier};

use super::allow::Allow;
use super::{grant, rule};
use crate::author::{self, Wrapped};
use crate::command::wished::Wished;
use crate::context::Context;
use crate::print::{self, BOLD, DIM, GOOD, WARN, badge, bytes, paint};
use crate::prompt;
use crate::session::Session;

/// Capabilities that reach outside a call. The consent screen lists those that a component can never use.
const POWERS: [Capability; 6] = [
    Capability::Http,
    Capability::Files,
    Capability::State,
    Capability::Llm,
    Capability::Peers,
    Capability::Secrets,
];

/// The options beside the path.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    /// Agreed without a question.
    pub(crate) yes: bool,
    /// Expose its skills from this tier up.
    pub(crate) expose: Option<Tier>,
    pub(crate) allow: Vec<Allow>,
    pub(crate) wished: Wished,
}

/// An installed component, with notes for the owner.
pub(crate) struct Installed {
    pub(crate) added: SkillAdded,
    pub(crate) warnings: Vec<String>,
}

/// Shows a component and its requests, asks for consent, installs it. Packs a SKILL.md into a component first.
pub(crate) async fn install(
    context: &Context,
    session: &Session,
    path: &Path,
    wish: &Wish,
) -> Result<Installed, ApiError> {
    let mut warnings = Vec::new();
    let mut warn = |told: String| {
        context.say(&format!("{} {}", paint(WARN, "warning:"), print::plain(&told)));
        warnings.push(told);
    };
    outdated(path).into_iter().for_each(&mut warn);
    let skill_md = author::skill_md(path);
    wish.wished.only_for(skill_md.is_some())?;
    let wishes = wish.wished.wishes();
    let wrapped = skill_md.map(|file| Wrapped::open(&file, &wishes)).transpose()?;
    let packed = wrapped.as_ref().map(Wrapped::pack).transpose()?;
    let file =
        packed.as_ref().map_or_else(|| author::component_of(path), |packed| Ok(packed.path.clone()))?;
    let component = session.run(SkillLook { path: file.clone() }).await?;
    let allow = allowed(wish, wrapped.is_some());
    allow.iter().try_for_each(|allow| allow.check(&component))?;
    context.say(&screen(&component, &file, &allow, wrapped.as_ref()));
    let told = wrapped.iter().flat_map(|wrapped| &wrapped.warnings);
    told.map(ToString::to_string).for_each(&mut warn);
    agree(context, path, wish)?;
    let mut added = session.run(SkillAdd { path: file, agreed: component.digest, expose: None }).await?;
    for resolved in grant(session, &component, &allow).await? {
        context.say(&grant::resolved(&resolved));
    }
    if wrapped.is_some() {
        without_model(context, session, wish).await?.into_iter().for_each(&mut warn);
    }
    // Last, so that no peer calls it before it has its grants.
    if let Some(from) = wish.expose {
        for skill in &component.skills {
            let name = skill.name.to_string();
            added.listing = session.run(SkillExpose { name, from }).await?.listing;
        }
    }
    Ok(Installed { added, warnings })
}

/// What is granted at once. Instructions are nothing without a model that carries them out: who agrees to a SKILL.md
/// grants it that, and reads so before.
fn allowed(wish: &Wish, wrapped: bool) -> Vec<Allow> {
    let model = Allow { capability: Capability::Llm, to: Vec::new() };
    let typed = wish.allow.contains(&model);
    wish.allow.iter().cloned().chain((wrapped && !typed).then_some(model)).collect()
}

fn agree(context: &Context, path: &Path, wish: &Wish) -> Result<(), ApiError> {
    let mut again = vec![format!("skill add {}{} --yes", path.display(), wish.wished.typed())];
    again.extend(wish.allow.iter().map(Allow::typed));
    let again = context.command(&again.join(" "));
    prompt::agree(context, wish.yes, "Install it?", &again)
}

/// The reason why calls of a packed SKILL.md would fail.
async fn without_model(context: &Context, session: &Session, wish: &Wish) -> Result<Vec<String>, ApiError> {
    let mut told = Vec::new();
    if session.run(ModelLook {}).await?.model.is_none() {
        let how = context.command("llm");
        told.push(format!(
            "there is no language model yet, and every call will fail; how to set one up: {how}"
        ));
    }
    let lowest = rule::usual_tier(Capability::Llm);
    if let (Some(from), Some(lowest)) = (wish.expose, lowest)
        && from < lowest
    {
        told.push(format!("callers below {lowest} will see it, but have no language model"));
    }
    Ok(told)
}

/// A warning for a folder whose component was built from other sources than the folder has now.
fn outdated(path: &Path) -> Option<String> {
    let newer = author::newer_source(path)?;
    let (newer, again) = (print::plain(&newer.display().to_string()), path.display());
    Some(format!(
        "{newer} changed after the skill was built; to install what it says now: coworker skill build {again}"
    ))
}

/// A grant belongs to the component; any of its skills names it.
async fn grant(
    session: &Session,
    component: &ComponentInfo,
    allow: &[Allow],
) -> Result<Vec<Resolved>, ApiError> {
    let mut resolved = Vec::new();
    let Some(skill) = component.skills.first() else { return Ok(resolved) };
    for Allow { capability, to } in allow {
        let (name, to) = (skill.name.to_string(), to.clone());
        let granted = session.run(SkillGrant { name, capability: *capability, to, from: None }).await?;
        resolved.extend(granted.resolved);
    }
    Ok(resolved)
}

fn screen(component: &ComponentInfo, path: &Path, allow: &[Allow], wrapped: Option<&Wrapped>) -> String {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut lines =
        vec![format!("{} {}", paint(BOLD, &print::plain(&file)), paint(DIM, &bytes(component.size)))];
    let mut say =
        |what: &str, text: &str| lines.push(format!("  {} {text}", paint(DIM, &format!("{what:<8}"))));
    if let Some(wrapped) = wrapped {
        let files = match wrapped.folder.files.len() {
            0 => String::new(),
            files => format!(" and {} beside it", print::count(files, "file")),
        };
        say("made of", &print::plain(&wrapped.file.display().to_string()));
        say("private", &format!("its instructions{files}: peers see none of it"));
    }
    say("digest", &component.digest.to_string());
    for (index, skill) in component.skills.iter().enumerate() {
        let what = if index == 0 { "skills" } else { "" };
        say(what, &format!("{} {}", paint(BOLD, skill.name.as_str()), skill.version));
        print::paragraphs(&skill.description).for_each(|line| say("", &line));
    }
    say("exports", &print::plain(&component.exports.join(", ")));
    if !component.unused_exports.is_empty() {
        let names = print::plain(&component.unused_exports.join(", "));
        say("unused", &format!("{names} {}", paint(DIM, "(exports that no call reaches)")));
    }
    if !component.changes.is_empty() {
        lines.push(format!("\n{}", paint(WARN, "It takes the place of the one that you have:")));
        lines.extend(component.changes.iter().map(|change| format!("  {}", print::plain(change))));
    }
    lines.push(String::new());
    lines.extend(requests(component, allow, wrapped.is_some()));
    lines.extend(settings(component));
    lines.join("\n")
}

/// First values of its configuration, which its author chose.
fn settings(component: &ComponentInfo) -> Vec<String> {
    let Some(skill) = component.skills.first().filter(|_| !component.defaults.is_empty()) else {
        return Vec::new();
    };
    let mut lines = vec!["It brings these settings along, for you to change:".to_owned()];
    let line = |text: &Text| print::plain(&text.as_str().replace(['\n', '\t'], " "));
    lines.extend(
        component
            .defaults
            .iter()
            .map(|(key, value)| format!("  {} = {}", paint(BOLD, &line(key)), line(value))),
    );
    let how = format!("coworker skill configure {} KEY VALUE", skill.name);
    lines.extend([paint(DIM, &format!("  to change one: {how}")), String::new()]);
    lines
}

/// `own_files`: the component reads only files that are packed with it.
fn requests(component: &ComponentInfo, allow: &[Allow], own_files: bool) -> Vec<String> {
    let mut asked: BTreeSet<Capability> =
        component.imports.iter().filter_map(|import| import.capability).collect();
    // A secret is no import of its own.
    asked.extend(allow.iter().map(|allow| allow.capability));
    let mut lines = vec![if asked.is_empty() { "It asks for nothing." } else { "It asks for" }.to_owned()];
    for capability in &asked {
        let from: Vec<_> =
            component.imports.iter().filter(|import| import.capability == Some(*capability)).collect();
        let from: Vec<_> = from.iter().map(|import| print::plain(&import.interface)).collect();
        // Its own files are no grant.
        let own = own_files && *capability == Capability::Files;
        let shown = if own { Capability::Assets } else { *capability };
        lines.push(format!(
            "  {} {:<42} {}",
            paint(BOLD, &format!("{:<8}", shown.name())),
            shown.meaning(),
            standing(shown, allow)
        ));
        let mut below = |text: &str| lines.push(paint(DIM, &format!("           {text}")));
        let rules = allow.iter().filter(|allow| allow.capability == *capability).map(Allow::rule);
        rules.filter(|rule| !rule.trim().is_empty()).for_each(|rule| below(&rule));
        for ask in component.asks.iter().filter(|ask| ask.capability == *capability) {
            ask.to.iter().for_each(|rule| below(&format!("asks for {}", print::plain(rule.as_str()))));
            below(&format!("its author says: {}", print::plain(ask.why.as_str())));
        }
        if !from.is_empty() {
            below(&from.join(", "));
        }
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

/// Whether it gets a capability, and from which tier of caller.
fn standing(capability: Capability, allow: &[Allow]) -> String {
    if Capability::ALWAYS.contains(&capability) {
        return paint(GOOD, "always granted");
    }
    let Some(tier) = rule::usual_tier(capability) else {
        return paint(WARN, "not granted, and it cannot be");
    };
    let allowed = allow.iter().any(|allow| allow.capability == capability);
    match capability {
        Capability::State => format!("{} {}", paint(GOOD, "granted from"), badge(tier)),
        _ if allowed => format!("{} {}", paint(WARN, "you grant it from"), badge(tier)),
        _ => {
            let how = format!("to grant it: coworker skill grant NAME {}", rule::to_type(capability));
            format!(
                "{} {}\n           {}",
                paint(WARN, "not granted; you may, from"),
                badge(tier),
                paint(DIM, &how)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use coworker_api::ops::ImportInfo;
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
            unused_exports: Vec::new(),
            imports,
            skills: Vec::new(),
            asks: Vec::new(),
            defaults: BTreeMap::new(),
            replaces: None,
            changes: Vec::new(),
        }
    }

    fn told(component: &ComponentInfo, allow: &[Allow]) -> String {
        anstream::adapter::strip_str(&requests(component, allow, false).join("\n")).to_string()
    }

    #[test]
    fn a_component_without_imports_can_never_do_anything() {
        let text = told(&component(&[]), &[]);
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
        let text = told(&component(&imports), &[]);
        let never = text.split("never: ").nth(1).unwrap();
        assert!(!never.contains("web requests") && !never.contains("secret"), "{text}");
        assert!(never.contains("read files"), "{text}");
        assert!(
            text.contains("not granted; you may, from INTERNAL")
                && text.contains("give it nothing: wasi:io/poll"),
            "{text}"
        );
    }

    #[test]
    fn what_is_granted_is_told_with_its_rule_and_from_which_tier() {
        let imports = [
            ("wasi:http/outgoing-handler@0.2.0", Some(Capability::Http)),
            ("wasi:keyvalue/store@0.2.0", Some(Capability::State)),
        ];
        let allow = ["http=GET https://api.example.com/*", "secrets=KEY https://api.example.com"];
        let text = told(&component(&imports), &allow.map(|allow| allow.parse().unwrap()));
        assert_eq!(text.matches("you grant it from INTERNAL").count(), 2, "{text}");
        assert!(text.contains(" GET https://api.example.com/*\n"), "{text}");
        assert!(text.contains("granted from KNOWN") && !text.contains("not granted"), "{text}");
    }
}
