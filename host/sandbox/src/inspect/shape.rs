//! Checks whether a component's exports have the types of world `skill`, by comparing the types as text.

use wasmparser::component_types::{
    ComponentDefinedType, ComponentEntityType, ComponentFuncTypeId, ComponentValType,
};
use wasmparser::types::{Types, TypesRef};

use crate::bad_component::BadComponent;

/// Longest text of a type. Types nest and share parts, so the text of a type in a small file has no bound.
const LONGEST: usize = 600;

struct Expected {
    name: &'static str,
    /// As `Writer` writes it.
    shape: &'static str,
    /// As in `wit/`, for messages.
    wit: &'static str,
}

const EXPORTS: [Expected; 2] = [
    Expected {
        name: "describe",
        shape: "func() -> list<record{name: string, version: string, description: string, \
                when-to-use: string, category: string, input-schema: string, output-schema: string}>",
        wit: "describe: func() -> list<descriptor>",
    },
    Expected {
        name: "invoke",
        shape: "func(skill: string, input: string) -> result<string, variant{invalid-input(string), \
                denied(string), unavailable(string), cancelled, deadline, other(string)}>",
        wit: "invoke: func(skill: string, input: string) -> result<string, skill-error>",
    },
];

/// Whether the component is of world `skill`. A component that exports both names, or one of them with the
/// right type, is meant to be, so any mistake in it is an error.
pub(super) fn is_skill(types: &Types) -> Result<bool, BadComponent> {
    let found = EXPORTS.each_ref().map(|export| check_export(types.as_ref(), export));
    let missing = |checked: &Result<(), _>| matches!(checked, Err(BadComponent::MissingExport { .. }));
    let exported = found.iter().filter(|checked| !missing(checked)).count();
    if exported == EXPORTS.len() || found.iter().any(Result::is_ok) {
        found.into_iter().collect::<Result<(), _>>().map(|()| true)
    } else {
        Ok(false)
    }
}

fn check_export(types: TypesRef<'_>, export: &Expected) -> Result<(), BadComponent> {
    let &Expected { name, shape, wit } = export;
    let Some(item) = types.component_item_for_export(name) else {
        return Err(BadComponent::MissingExport { name, expected: wit });
    };
    let found = match item.ty {
        ComponentEntityType::Func(id) => Writer::write(types, id),
        _ => "not a function".to_owned(),
    };
    if found == shape { Ok(()) } else { Err(BadComponent::WrongExport { name, found, expected: wit }) }
}

struct Writer<'a> {
    types: TypesRef<'a>,
    text: String,
}

impl<'a> Writer<'a> {
    fn write(types: TypesRef<'a>, id: ComponentFuncTypeId) -> String {
        let mut writer = Self { types, text: String::new() };
        writer.func(id);
        if writer.full() {
            writer.text = writer.text.chars().take(LONGEST).chain("…".chars()).collect();
        }
        writer.text
    }

    fn full(&self) -> bool {
        self.text.len() > LONGEST
    }

    fn func(&mut self, id: ComponentFuncTypeId) {
        let types = self.types;
        let func = &types[id];
        self.text.push_str(if func.async_ { "async func(" } else { "func(" });
        let params = func.params.iter().map(|(name, ty)| (name.as_str(), Some(*ty)));
        self.list(params, ": ", "");
        self.text.push(')');
        if let Some(result) = func.result {
            self.text.push_str(" -> ");
            self.value(result);
        }
    }

    /// `name: type` or `name(type)` or `name`, with commas between.
    fn list<'n>(
        &mut self,
        items: impl Iterator<Item = (&'n str, Option<ComponentValType>)>,
        open: &str,
        close: &str,
    ) {
        for (index, (name, ty)) in items.enumerate() {
            if self.full() {
                return;
            }
            self.text.push_str(if index == 0 { "" } else { ", " });
            self.text.push_str(name);
            if let Some(ty) = ty {
                self.text.push_str(open);
                self.value(ty);
                self.text.push_str(close);
            }
        }
    }

    fn value(&mut self, ty: ComponentValType) {
        if self.full() {
            return;
        }
        match ty {
            ComponentValType::Primitive(primitive) => self.text.push_str(&primitive.to_string()),
            ComponentValType::Type(id) => {
                let types = self.types;
                self.defined(&types[id]);
            }
        }
    }

    fn defined(&mut self, ty: &ComponentDefinedType) {
        match ty {
            ComponentDefinedType::Primitive(primitive) => self.text.push_str(&primitive.to_string()),
            ComponentDefinedType::List { element, .. } => self.wrapped("list<", [Some(*element)]),
            ComponentDefinedType::Option { ty, .. } => self.wrapped("option<", [Some(*ty)]),
            ComponentDefinedType::Result { ok, err, .. } => self.wrapped("result<", [*ok, *err]),
            ComponentDefinedType::Record(record) => {
                self.text.push_str("record{");
                self.list(record.fields.iter().map(|(name, ty)| (name.as_str(), Some(*ty))), ": ", "");
                self.text.push('}');
            }
            ComponentDefinedType::Variant(variant) => {
                self.text.push_str("variant{");
                self.list(variant.cases.iter().map(|(name, case)| (name.as_str(), case.ty)), "(", ")");
                self.text.push('}');
            }
            // The right export has none of these types, so the comparison fails anyway.
            _ => self.text.push_str("another type"),
        }
    }

    fn wrapped<const N: usize>(&mut self, open: &str, types: [Option<ComponentValType>; N]) {
        self.text.push_str(open);
        for (index, ty) in types.into_iter().enumerate() {
            self.text.push_str(if index == 0 { "" } else { ", " });
            match ty {
                Some(ty) => self.value(ty),
                None => self.text.push('_'),
            }
        }
        self.text.push('>');
    }
}
