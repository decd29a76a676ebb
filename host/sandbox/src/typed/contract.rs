//! Finds the exports of a plain component that are skills, and builds the contract of each.

use std::collections::{HashMap, HashSet};

use coworker_policy::{Descriptor, Text};
use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedTypeId, ComponentEntityType, ComponentFuncTypeId,
    ComponentInstanceType,
};
use wasmparser::types::{Types, TypesRef};

use super::docs::Docs;
use super::schema::{Names, SchemaBuilder, Unfit};
use crate::bad_component::BadComponent;
use crate::inspect::{Outline, brief};

/// Most skills of one component.
const MOST: usize = 128;
/// The version of a function whose interface has none.
const VERSION: &str = "0.1.0";
/// Names that toolchains export for themselves.
const SCAFFOLD: [&str; 2] = ["init", "exports"];

/// An exported function that is a skill.
#[derive(Clone, Debug)]
pub struct Function {
    /// Derived from the types and the documentation in the component.
    pub descriptor: Descriptor,
    /// The exported interface that holds it, such as `shop:prices/quotes@1.0.0`.
    pub interface: Option<String>,
    /// The exported name.
    pub name: String,
}

/// A function before it has a contract.
struct Found<'a> {
    interface: Option<&'a str>,
    name: &'a str,
    ty: ComponentFuncTypeId,
    scope: usize,
}

/// Returns the functions of a component, each of which is a skill.
///
/// A function that cannot be a skill makes the whole component an error, since its author exported it to be
/// called. Exports that toolchains add are ignored.
pub(crate) fn functions(outline: &Outline) -> Result<Vec<Function>, BadComponent> {
    let types = outline.types.as_ref();
    let docs = Docs::read(outline.docs.as_deref());
    let (found, scopes) = find(outline, types);
    if found.is_empty() {
        return Err(BadComponent::NoFunction { exports: list(&outline.exports) });
    }
    if found.len() > MOST {
        return Err(BadComponent::TooManyFunctions { count: found.len(), max: MOST });
    }
    let names = skill_names(&found)?;
    let contract =
        |(found, skill): (&Found<'_>, String)| contract(types, found, skill, &scopes[found.scope], &docs);
    found.iter().zip(names).map(contract).collect()
}

/// Finds the functions in the order of the exports, and the names of the types in each scope.
fn find<'a>(outline: &'a Outline, types: TypesRef<'a>) -> (Vec<Found<'a>>, Vec<Names>) {
    let mut found = Vec::new();
    let mut scopes = vec![own_names(outline, &outline.types)];
    for export in &outline.exports {
        let Some(item) = types.component_item_for_export(export) else { continue };
        match item.ty {
            ComponentEntityType::Func(ty) if !SCAFFOLD.contains(&export.as_str()) => {
                found.push(Found { interface: None, name: export, ty, scope: 0 });
            }
            ComponentEntityType::Instance(id) if !is_scaffold(export) => {
                let Some(ComponentInstanceType { exports, .. }) = types.get(id) else { continue };
                for (name, item) in exports {
                    if let ComponentEntityType::Func(ty) = item.ty {
                        found.push(Found { interface: Some(export), name, ty, scope: scopes.len() });
                    }
                }
                scopes.push(exports.iter().filter_map(|(name, item)| named(name, &item.ty)).collect());
            }
            _ => {}
        }
    }
    (found, scopes)
}

fn is_scaffold(interface: &str) -> bool {
    interface.starts_with("wasi:") || SCAFFOLD.contains(&interface)
}

fn own_names(outline: &Outline, types: &Types) -> Names {
    let types = types.as_ref();
    let imports =
        outline.type_imports.iter().filter_map(|name| Some((name, types.component_item_for_import(name)?)));
    let exports =
        outline.exports.iter().filter_map(|name| Some((name, types.component_item_for_export(name)?)));
    imports.chain(exports).filter_map(|(name, item)| named(name, &item.ty)).collect()
}

fn named(name: &str, ty: &ComponentEntityType) -> Option<(ComponentDefinedTypeId, String)> {
    match ty {
        ComponentEntityType::Type { created: ComponentAnyTypeId::Defined(id), .. } => {
            Some((*id, name.to_owned()))
        }
        _ => None,
    }
}

/// Names each skill after its function, prefixed with the interface if several functions share the name.
fn skill_names(found: &[Found<'_>]) -> Result<Vec<String>, BadComponent> {
    let plain = |found: &Found<'_>| found.name.to_ascii_lowercase();
    let mut uses: HashMap<String, usize> = HashMap::new();
    for function in found {
        *uses.entry(plain(function)).or_default() += 1;
    }
    let full = |function: &Found<'_>| match function.interface {
        Some(interface) if uses[&plain(function)] > 1 => {
            format!("{}.{}", short(interface).to_ascii_lowercase(), plain(function))
        }
        _ => plain(function),
    };
    let names: Vec<String> = found.iter().map(full).collect();
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(BadComponent::SameName { name: brief(name) }),
        None => Ok(names),
    }
}

fn contract(
    types: TypesRef<'_>,
    found: &Found<'_>,
    skill: String,
    names: &Names,
    docs: &Docs,
) -> Result<Function, BadComponent> {
    let func = &types[found.ty];
    let interface = found.interface.map(short);
    let unfit = |place: String, reason| match reason {
        Unfit::Kind(kind) => BadComponent::UnfitFunction { function: full_name(found), place, kind },
        Unfit::TooLarge => BadComponent::LargeTypes { function: full_name(found) },
    };
    if func.async_ {
        return Err(unfit("type".to_owned(), Unfit::Kind("async function")));
    }
    let mut builder = SchemaBuilder::new(types, interface, names, docs);
    let input_schema = builder.input(func).map_err(|(place, reason)| unfit(place, reason))?;
    let output_schema = builder.output(func).map_err(|reason| unfit("result".to_owned(), reason))?;
    let text = docs.function(interface, found.name).map(str::trim).filter(|text| !text.is_empty());
    let description = match (text, interface) {
        (Some(text), _) => text.to_owned(),
        (None, Some(interface)) => format!("The function `{}` of `{interface}`.", found.name),
        (None, None) => format!("The function `{}`.", found.name),
    };
    let descriptor = Descriptor {
        name: skill,
        version: found.interface.and_then(version).unwrap_or(VERSION).to_owned(),
        description: Text::sanitized(&description).to_string(),
        when_to_use: String::new(),
        category: String::new(),
        input_schema: input_schema.to_string(),
        output_schema: output_schema.to_string(),
    };
    Ok(Function { descriptor, interface: found.interface.map(str::to_owned), name: found.name.to_owned() })
}

fn full_name(found: &Found<'_>) -> String {
    match found.interface {
        Some(interface) => brief(&format!("{interface}#{}", found.name)),
        None => brief(found.name),
    }
}

/// `quotes` of `shop:prices/quotes@1.0.0`.
fn short(interface: &str) -> &str {
    let path = interface.split('@').next().unwrap_or(interface);
    path.rsplit('/').next().unwrap_or(path)
}

fn version(interface: &str) -> Option<&str> {
    interface.split_once('@').map(|(_, version)| version)
}

fn list(exports: &[String]) -> String {
    const SHOWN: usize = 5;
    if exports.is_empty() {
        return "nothing".to_owned();
    }
    let more = if exports.len() > SHOWN { ", …" } else { "" };
    let shown: Vec<String> = exports.iter().take(SHOWN).map(|name| format!("`{}`", brief(name))).collect();
    shown.join(", ") + more
}
