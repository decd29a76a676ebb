use std::collections::BTreeMap;
use std::fmt;

use crate::capability::Capability;
use crate::card::Card;
use crate::name::SkillName;
use crate::request::{Ask, Request};
use crate::text::Text;

/// Everything about a component that its owner agrees to: its skills, its imports and its requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contract {
    pub cards: Vec<Card>,
    /// The interfaces, by their WIT names with versions.
    pub imports: Vec<String>,
    pub request: Option<Request>,
}

/// One difference between the agreed contract and a new one. `Display` is for the owner.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The interface without its version, and the capability that it needs.
    ImportAdded(Text, Option<Capability>),
    ImportRemoved(Text, Option<Capability>),
    RequestAdded(Ask),
    RequestRemoved(Ask),
    RequestChanged {
        before: Ask,
        after: Ask,
    },
    SkillAdded(SkillName),
    SkillRemoved(SkillName),
    /// With the changed parts of its card.
    SkillChanged(SkillName, Vec<&'static str>),
    DefaultsChanged,
}

/// The differences that the owner must see before `new` may replace `old`, imports first. Empty if requests,
/// imports and skills are the same.
pub fn diff(old: &Contract, new: &Contract) -> Vec<Change> {
    let mut changes = imports(&old.imports, &new.imports);
    changes.extend(requests(old.request.as_ref(), new.request.as_ref()));
    changes.extend(cards(&old.cards, &new.cards));
    changes
}

/// Compares interfaces without their versions, because a newer patch gives no other capability.
fn imports(old: &[String], new: &[String]) -> Vec<Change> {
    let names = |imports: &[String]| -> BTreeMap<Text, Option<Capability>> {
        let name = |import: &String| {
            let name = import.split('@').next().unwrap_or(import);
            (Text::sanitized(name), Capability::of_import(name))
        };
        imports.iter().map(name).collect()
    };
    let (old, new) = (names(old), names(new));
    let added = new.iter().filter(|(name, _)| !old.contains_key(*name));
    let removed = old.iter().filter(|(name, _)| !new.contains_key(*name));
    let added = added.map(|(name, reach)| Change::ImportAdded(name.clone(), *reach));
    added.chain(removed.map(|(name, reach)| Change::ImportRemoved(name.clone(), *reach))).collect()
}

/// Matches requests by capability and order: the second one for http with the second one for http.
fn requests(old: Option<&Request>, new: Option<&Request>) -> Vec<Change> {
    let asks = |request: Option<&Request>| -> BTreeMap<(Capability, usize), Ask> {
        let mut counts = BTreeMap::new();
        let numbered = |ask: &Ask| {
            let count = counts.entry(ask.capability).or_insert(0);
            *count += 1;
            ((ask.capability, *count), ask.clone())
        };
        request.map(|request| request.asks.iter().map(numbered).collect()).unwrap_or_default()
    };
    let (mut old_asks, new_asks) = (asks(old), asks(new));
    let mut changes: Vec<Change> = Vec::new();
    for (key, after) in new_asks {
        match old_asks.remove(&key) {
            Some(before) if before == after => {}
            Some(before) => changes.push(Change::RequestChanged { before, after }),
            None => changes.push(Change::RequestAdded(after)),
        }
    }
    changes.extend(old_asks.into_values().map(Change::RequestRemoved));
    let defaults = |request: Option<&Request>| request.map(|r| r.defaults.clone()).unwrap_or_default();
    if defaults(old) != defaults(new) {
        changes.push(Change::DefaultsChanged);
    }
    changes
}

fn cards(old: &[Card], new: &[Card]) -> Vec<Change> {
    let by_name = |cards: &[Card]| -> BTreeMap<SkillName, Card> {
        cards.iter().map(|card| (card.name.clone(), card.clone())).collect()
    };
    let (mut old, new) = (by_name(old), by_name(new));
    let mut changes = Vec::new();
    for (name, after) in new {
        match old.remove(&name).map(|before| parts(&before, &after)) {
            None => changes.push(Change::SkillAdded(name)),
            Some(parts) if parts.is_empty() => {}
            Some(parts) => changes.push(Change::SkillChanged(name, parts)),
        }
    }
    changes.extend(old.into_keys().map(Change::SkillRemoved));
    changes
}

fn parts(old: &Card, new: &Card) -> Vec<&'static str> {
    let parts = [
        ("version", old.version != new.version),
        ("description", old.description != new.description),
        ("when-to-use", old.when_to_use != new.when_to_use),
        ("category", old.category != new.category),
        ("input schema", old.input_schema != new.input_schema),
        ("output schema", old.output_schema != new.output_schema),
    ];
    parts.into_iter().filter_map(|(name, changed)| changed.then_some(name)).collect()
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let could = |reach: &Option<Capability>| match reach {
            Some(capability) => format!("with it, it could {}", capability.meaning()),
            None => "which gives it nothing".to_owned(),
        };
        match self {
            Self::ImportAdded(name, to) => write!(f, "now imports {name}, {}", could(to)),
            Self::ImportRemoved(name, to) => write!(f, "no longer imports {name}, {}", could(to)),
            Self::RequestAdded(ask) => write!(f, "now asks for {ask}"),
            Self::RequestRemoved(ask) => write!(f, "no longer asks for {ask}"),
            Self::RequestChanged { before, after } => write!(f, "asked for {before}; now asks for {after}"),
            Self::SkillAdded(name) => write!(f, "has a new skill `{name}`"),
            Self::SkillRemoved(name) => write!(f, "no longer has the skill `{name}`"),
            Self::SkillChanged(name, parts) => write!(f, "skill `{name}` has another {}", parts.join(", ")),
            Self::DefaultsChanged => f.write_str("comes with other default values"),
        }
    }
}

/// On one line, also if the author wrote line breaks.
impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |text: &Text| text.as_str().replace(['\n', '\t'], " ");
        write!(f, "{}", self.capability)?;
        let to: Vec<String> = self.to.iter().map(line).collect();
        if !to.is_empty() {
            write!(f, " {}", to.join(", "))?;
        }
        if let Some(from) = self.from {
            write!(f, " from {from}")?;
        }
        write!(f, " (“{}”)", line(&self.why))
    }
}
