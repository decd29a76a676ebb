//! Documentation in a component: the `package-docs` custom section of the WIT tools.

use std::collections::HashMap;

use serde::Deserialize;

pub(crate) const SECTION: &str = "package-docs";

/// Largest section that is read, in bytes.
const LARGEST: usize = 256 * 1024;

/// Documentation of functions and types by name. Empty if the section is missing or does not parse: bad
/// documentation is not a reason to refuse a component.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Docs {
    worlds: HashMap<String, World>,
    interfaces: HashMap<String, Interface>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct World {
    funcs: HashMap<String, FunctionDocs>,
    func_exports: HashMap<String, FunctionDocs>,
    types: HashMap<String, TypeDocs>,
    interfaces: HashMap<String, Interface>,
    interface_exports: HashMap<String, Interface>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Interface {
    funcs: HashMap<String, FunctionDocs>,
    types: HashMap<String, TypeDocs>,
}

/// Older tools write the text alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum FunctionDocs {
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

    /// Documentation of a function of an interface, or of a world.
    pub(super) fn function(&self, interface: Option<&str>, name: &str) -> Option<&str> {
        let docs = match interface {
            Some(interface) => self.interfaces_named(interface).find_map(|it| it.funcs.get(name)),
            None => self.worlds.values().find_map(|it| it.func_exports.get(name).or(it.funcs.get(name))),
        };
        match docs? {
            FunctionDocs::Text(text) | FunctionDocs::Item { docs: text } => Some(text),
            FunctionDocs::Nothing {} => None,
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
