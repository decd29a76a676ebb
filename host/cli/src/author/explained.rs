//! Compares `skill.toml` with the component.

use std::collections::BTreeSet;

use coworker_api::ops::ComponentInfo;
use coworker_policy::{Capability, Request};

/// Problems that the author should fix before publishing.
pub(super) fn warnings(request: &Request, component: &ComponentInfo) -> Vec<String> {
    let mut imported: BTreeSet<Capability> =
        component.imports.iter().filter_map(|import| import.capability).collect();
    let asked: BTreeSet<Capability> = request.asks.iter().map(|ask| ask.capability).collect();
    let needs_a_word = |capability: &Capability| !Capability::ALWAYS.contains(capability);
    let mut warnings: Vec<String> =
        imported.difference(&asked).filter(|c| needs_a_word(c)).map(|c| unexplained(*c)).collect();
    // A secret goes into web requests, assets are packed along: neither is an import of its own.
    imported.insert(Capability::Assets);
    if imported.contains(&Capability::Http) {
        imported.insert(Capability::Secrets);
    }
    warnings.extend(asked.difference(&imported).map(|c| vain(*c)));
    if !request.defaults.is_empty() && !imported.contains(&Capability::Config) {
        let told =
            "skill.toml has [defaults], which the component never reads: it does not import wasi:config";
        warnings.push(told.to_owned());
    }
    let (name, version) = (&request.name, &request.version);
    for skill in component.skills.iter().filter(|skill| skill.version != *version) {
        let (own, of) = (&skill.version, &skill.name);
        warnings.push(format!("skill.toml says version {version}, the skill `{of}` says {own}"));
    }
    if !component.skills.iter().any(|skill| skill.name == *name) {
        warnings.push(format!("skill.toml says `{name}`, but no skill has that name"));
    }
    warnings
}

fn unexplained(capability: Capability) -> String {
    let meaning = capability.meaning();
    format!("it imports {capability} ({meaning}), and skill.toml has no [[request]] that says why")
}

fn vain(capability: Capability) -> String {
    format!("skill.toml asks for {capability}, which the component does not import: it could never use it")
}

#[cfg(test)]
mod tests {
    use coworker_policy::{Card, Descriptor, Digest};
    use serde_json::json;

    use super::*;

    fn card(name: &str) -> Card {
        let text = |text: &str| text.to_owned();
        Card::try_from(Descriptor {
            name: text(name),
            version: text("1.0.0"),
            description: text("Does."),
            when_to_use: String::new(),
            category: String::new(),
            input_schema: text("{}"),
            output_schema: text("{}"),
        })
        .unwrap()
    }

    fn said(request: &str, imports: &[Capability]) -> String {
        let import = |c: &Capability| json!({ "interface": c.to_string(), "capability": c });
        let component = json!({
            "digest": Digest::of(b""),
            "size": 1,
            "exports": [],
            "unused_exports": [],
            "imports": imports.iter().map(import).collect::<Vec<_>>(),
            "skills": [card("quote")],
        });
        let component = serde_json::from_value(component).unwrap();
        warnings(&Request::parse(request.as_bytes()).unwrap(), &component).join("\n")
    }

    #[test]
    fn a_skill_that_asks_for_what_it_imports_is_fine() {
        let own = "name = \"quote\"\nversion = \"1.0.0\"\n";
        assert_eq!(said(own, &[Capability::Log, Capability::Clocks]), "");
        let asks = "[[request]]\ncapability = \"state\"\nwhy = \"counts\"\n";
        assert_eq!(said(&format!("{own}{asks}"), &[Capability::State]), "");
    }

    #[test]
    fn what_does_not_agree_is_told() {
        let own = "name = \"quote\"\nversion = \"1.0.0\"\n";
        assert!(said(own, &[Capability::State]).starts_with("it imports state (remember things"));
        let secrets = "[[request]]\ncapability = \"secrets\"\nwhy = \"the key\"\n";
        assert!(said(&format!("{own}{secrets}"), &[]).contains("asks for secrets, which"));
        let defaults = "[defaults]\ncurrency = \"EUR\"\n";
        assert!(said(&format!("{own}{defaults}"), &[]).contains("which the component never reads"));
        assert_eq!(said(&format!("{own}{defaults}"), &[Capability::Config]), "");
        let other = said("name = \"other\"\nversion = \"1.0.1\"\n", &[]);
        assert!(other.contains("1.0.1") && other.contains("no skill has that name"), "{other}");
    }
}
