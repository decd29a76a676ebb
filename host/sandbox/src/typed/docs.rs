//! The documentation that a component may carry: the `package-docs` custom section of the WIT tools.

use std::collections::HashMap;

use serde::Deserialize;

pub(crate) const SECTION: &str = "package-docs";

/// Larger sections are not read, in bytes.
const LARGEST: usize = 256 * 1024;

/// Words about functions and types, found by name. What is missing or does not parse is not there: words
/// are no reason to refuse a component.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Docs {
    worlds: HashMap<String, World>,
    interfaces: HashMap<String, Interface>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct World {
    funcs: HashMap<String, Said>,
    func_exports: HashMap<String, Said>,
    types: HashMap<String, TypeDocs>,
    interfaces: HashMap<String, Interface>,
    interface_exports: HashMap<String, Interface>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Interface {
    funcs: HashMap<String, Said>,
    types: HashMap<String, TypeDocs>,
}

/// The older form is the text alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Text(String),
    Item { docs: String },
    Nothing {},
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TypeDocs {
    pub(super) docs: Option<String>,
    /// By field or case.
    pub(super) items: HashMap<String, String>,
}

impl Docs {
    pub(super) fn read(section: Option<&[u8]>) -> Self {
        let json = match section {
            Some([0 | 1, json @ ..]) if json.len() <= LARGEST => json,
            _ => return Self::default(),
        };
        serde_json::from_slice(json).unwrap_or_default()
    }

    /// Of a function that stands in an interface, or else in a world.
    pub(super) fn function(&self, interface: Option<&str>, name: &str) -> Option<&str> {
        let said = match interface {
            Some(interface) => self.interfaces_named(interface).find_map(|it| it.funcs.get(name)),
            None => self.worlds.values().find_map(|it| it.func_exports.get(name).or(it.funcs.get(name))),
        };
        match said? {
            Said::Text(text) | Said::Item { docs: text } => Some(text),
            Said::Nothing {} => None,
        }
    }

    pub(super) fn of_type(&self, interface: Option<&str>, name: &str) -> Option<&TypeDocs> {
        match interface {
            Some(interface) => self.interfaces_named(interface).find_map(|it| it.types.get(name)),
            None => self.worlds.values().find_map(|it| it.types.get(name)),
        }
    }

    fn interfaces_named(&self, name: &str) -> impl Iterator<Item = &Interface> {
        let inline = self.worlds.values().flat_map(move |world| {
            [world.interface_exports.get(name), world.interfaces.get(name)].into_iter().flatten()
        });
        self.interfaces.get(name).into_iter().chain(inline)
    }
}
