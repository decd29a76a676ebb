//! JSON Schemas (draft 2020-12) of component types.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use wasmparser::PrimitiveValType;
use wasmparser::component_types::{
    ComponentDefinedType, ComponentDefinedTypeId, ComponentFuncType, ComponentValType,
};
use wasmparser::names::KebabString;
use wasmparser::types::TypesRef;

use super::docs::{Docs, TypeDocs};

/// Deepest nesting of types. Values nest no deeper than their types, so recursion over them is bounded, too.
const DEEPEST: usize = 32;
/// Largest schema, in bytes, roughly. Types share parts, so the schema of a type in a small file can be huge.
const LARGEST: usize = 64 * 1024;
/// Size of a node of a schema besides its names, in bytes.
const NODE: usize = 24;

/// Names of the types of one scope, an interface or the component itself.
pub(super) type Names = HashMap<ComponentDefinedTypeId, String>;

/// Why a type has no schema.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unfit {
    /// It holds something that is not a value, such as a stream.
    Kind(&'static str),
    TooLarge,
}

/// Builds the schemas of one function.
pub(super) struct SchemaBuilder<'a> {
    pub(super) types: TypesRef<'a>,
    pub(super) interface: Option<&'a str>,
    pub(super) names: &'a Names,
    pub(super) docs: &'a Docs,
    /// Bytes left for the schema.
    room: usize,
}

impl<'a> SchemaBuilder<'a> {
    pub(super) fn new(
        types: TypesRef<'a>,
        interface: Option<&'a str>,
        names: &'a Names,
        docs: &'a Docs,
    ) -> Self {
        Self { types, interface, names, docs, room: LARGEST }
    }

    /// The schema of the input: an object with the parameters by name.
    pub(super) fn input(&mut self, func: &ComponentFuncType) -> Result<Value, (String, Unfit)> {
        self.room = LARGEST;
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for (name, ty) in &func.params {
            let bad = |unfit| (format!("parameter `{name}`"), unfit);
            self.take(name.len()).map_err(bad)?;
            properties.insert(name.to_string(), self.value(*ty, 1).map_err(bad)?);
            if !self.is_option(*ty) {
                required.push(name.to_string());
            }
        }
        Ok(object(properties, &required))
    }

    /// The schema of the return value; of a `result`, that of its `ok` case.
    pub(super) fn output(&mut self, func: &ComponentFuncType) -> Result<Value, Unfit> {
        self.room = LARGEST;
        let Some(ty) = func.result else { return Ok(json!({ "type": "null" })) };
        let Some(ComponentDefinedType::Result { ok, err, .. }) = self.defined(ty) else {
            return self.value(ty, 1);
        };
        let (ok, err) = (*ok, *err);
        // The error has no schema of its own, but it must be a value.
        err.map_or(Ok(Value::Null), |err| self.value(err, 1))?;
        self.room = LARGEST;
        ok.map_or(Ok(json!({ "type": "null" })), |ok| self.value(ok, 1))
    }

    fn value(&mut self, ty: ComponentValType, depth: usize) -> Result<Value, Unfit> {
        self.take(0)?;
        if depth > DEEPEST {
            return Err(Unfit::TooLarge);
        }
        let id = match ty {
            ComponentValType::Primitive(primitive) => return self::primitive(primitive),
            ComponentValType::Type(id) => id,
        };
        let (types, docs, interface) = (self.types, self.docs, self.interface);
        let type_docs = self.names.get(&id).and_then(|name| docs.of_type(interface, name));
        let mut schema = self.compound(&types[id], type_docs, depth)?;
        if let Some(text) = type_docs.and_then(|docs| docs.docs.as_deref()) {
            self.describe(&mut schema, text)?;
        }
        Ok(schema)
    }

    fn compound(
        &mut self,
        ty: &ComponentDefinedType,
        docs: Option<&TypeDocs>,
        depth: usize,
    ) -> Result<Value, Unfit> {
        let kind = |kind| Err(Unfit::Kind(kind));
        match ty {
            ComponentDefinedType::Primitive(primitive) => self::primitive(*primitive),
            ComponentDefinedType::Record(record) => {
                let fields = record.fields.iter().map(|(name, ty)| (name.as_str(), *ty));
                self.record(fields, docs, depth)
            }
            ComponentDefinedType::Variant(variant) => {
                let cases = variant.cases.iter().map(|(name, case)| (name.as_str(), case.ty));
                self.variant(cases, docs, depth)
            }
            ComponentDefinedType::Result { ok, err, .. } => {
                self.variant([("ok", *ok), ("err", *err)].into_iter(), None, depth)
            }
            ComponentDefinedType::List { element, .. } => self.list(*element, depth),
            ComponentDefinedType::Tuple(tuple) => self.tuple(&tuple.types, depth),
            ComponentDefinedType::Enum(names) => self.names(names.iter().map(KebabString::as_str), docs),
            ComponentDefinedType::Flags(names) => {
                let items = self.names(names.iter().map(KebabString::as_str), docs)?;
                Ok(json!({ "type": "array", "items": items, "uniqueItems": true }))
            }
            ComponentDefinedType::Option { ty, .. } => self.option(*ty, depth),
            ComponentDefinedType::Own(_) | ComponentDefinedType::Borrow(_) => kind("resource"),
            ComponentDefinedType::Future { .. } => kind("future"),
            ComponentDefinedType::Stream { .. } => kind("stream"),
            ComponentDefinedType::FixedLengthList { .. } => kind("list of fixed length"),
            ComponentDefinedType::Map { .. } => kind("map"),
        }
    }

    fn record<'n>(
        &mut self,
        fields: impl Iterator<Item = (&'n str, ComponentValType)>,
        docs: Option<&TypeDocs>,
        depth: usize,
    ) -> Result<Value, Unfit> {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for (name, ty) in fields {
            self.take(2 * name.len())?;
            let mut schema = self.value(ty, depth + 1)?;
            if let Some(text) = docs.and_then(|docs| docs.items.get(name)) {
                self.describe(&mut schema, text)?;
            }
            properties.insert(name.to_owned(), schema);
            if !self.is_option(ty) {
                required.push(name.to_owned());
            }
        }
        Ok(object(properties, &required))
    }

    /// A case with a value is an object with one member; a case without one is its name.
    fn variant<'n>(
        &mut self,
        cases: impl Iterator<Item = (&'n str, Option<ComponentValType>)>,
        docs: Option<&TypeDocs>,
        depth: usize,
    ) -> Result<Value, Unfit> {
        let mut choices = Vec::new();
        for (name, ty) in cases {
            self.take(2 * name.len() + NODE)?;
            let mut choice = match ty {
                None => json!({ "const": name }),
                Some(ty) => {
                    let payload = self.value(ty, depth + 1)?;
                    object([(name.to_owned(), payload)].into_iter().collect(), &[name.to_owned()])
                }
            };
            if let Some(text) = docs.and_then(|docs| docs.items.get(name)) {
                self.describe(&mut choice, text)?;
            }
            choices.push(choice);
        }
        Ok(json!({ "oneOf": choices }))
    }

    fn list(&mut self, element: ComponentValType, depth: usize) -> Result<Value, Unfit> {
        if self.is_byte(element) {
            return Ok(json!({ "type": "string", "contentEncoding": "base64" }));
        }
        Ok(json!({ "type": "array", "items": self.value(element, depth + 1)? }))
    }

    fn tuple(&mut self, types: &[ComponentValType], depth: usize) -> Result<Value, Unfit> {
        let items: Vec<Value> =
            types.iter().map(|ty| self.value(*ty, depth + 1)).collect::<Result<_, _>>()?;
        let len = items.len();
        Ok(json!({ "type": "array", "prefixItems": items, "minItems": len, "maxItems": len }))
    }

    /// A value or null. A value that may itself be null is wrapped, to tell the two apart.
    fn option(&mut self, ty: ComponentValType, depth: usize) -> Result<Value, Unfit> {
        let wrapped = self.is_option(ty);
        let mut some = self.value(ty, depth + 1)?;
        if wrapped {
            some = object([("value".to_owned(), some)].into_iter().collect(), &["value".to_owned()]);
        }
        Ok(json!({ "anyOf": [some, { "type": "null" }] }))
    }

    /// One of several names. JSON Schema has no description per name, so they are appended to that of the type.
    fn names<'n>(
        &mut self,
        names: impl Iterator<Item = &'n str>,
        docs: Option<&TypeDocs>,
    ) -> Result<Value, Unfit> {
        let (mut values, mut legend) = (Vec::new(), String::new());
        for name in names {
            self.take(name.len())?;
            values.push(name.to_owned());
            if let Some(text) = docs.and_then(|docs| docs.items.get(name)) {
                self.take(name.len() + text.len())?;
                legend.extend(["\n`", name, "`: ", text]);
            }
        }
        let mut schema = json!({ "type": "string", "enum": values });
        if !legend.is_empty() {
            schema["description"] = Value::String(legend.trim_start().to_owned());
        }
        Ok(schema)
    }

    fn describe(&mut self, schema: &mut Value, text: &str) -> Result<(), Unfit> {
        self.take(text.len())?;
        let text = match schema["description"].as_str() {
            Some(more) => format!("{text}\n{more}"),
            None => text.to_owned(),
        };
        schema["description"] = Value::String(text);
        Ok(())
    }

    fn is_option(&self, ty: ComponentValType) -> bool {
        matches!(self.defined(ty), Some(ComponentDefinedType::Option { .. }))
    }

    fn is_byte(&self, ty: ComponentValType) -> bool {
        match ty {
            ComponentValType::Primitive(primitive) => primitive == PrimitiveValType::U8,
            ComponentValType::Type(id) => {
                matches!(&self.types[id], ComponentDefinedType::Primitive(PrimitiveValType::U8))
            }
        }
    }

    fn defined(&self, ty: ComponentValType) -> Option<&'a ComponentDefinedType> {
        let types = self.types;
        match ty {
            ComponentValType::Primitive(_) => None,
            ComponentValType::Type(id) => Some(types.get(id)?),
        }
    }

    fn take(&mut self, bytes: usize) -> Result<(), Unfit> {
        self.room = self.room.checked_sub(bytes + NODE).ok_or(Unfit::TooLarge)?;
        Ok(())
    }
}

fn object(properties: Map<String, Value>, required: &[String]) -> Value {
    let mut object = json!({ "type": "object", "required": required, "additionalProperties": false });
    object["properties"] = Value::Object(properties);
    object
}

fn primitive(ty: PrimitiveValType) -> Result<Value, Unfit> {
    let integer = |min: i64, max: u64| json!({ "type": "integer", "minimum": min, "maximum": max });
    Ok(match ty {
        PrimitiveValType::Bool => json!({ "type": "boolean" }),
        PrimitiveValType::S8 => integer(-0x80, 0x7f),
        PrimitiveValType::U8 => integer(0, 0xff),
        PrimitiveValType::S16 => integer(-0x8000, 0x7fff),
        PrimitiveValType::U16 => integer(0, 0xffff),
        PrimitiveValType::S32 => integer(i32::MIN.into(), 0x7fff_ffff),
        PrimitiveValType::U32 => integer(0, u32::MAX.into()),
        PrimitiveValType::S64 => integer(i64::MIN, i64::MAX as u64),
        PrimitiveValType::U64 => integer(0, u64::MAX),
        PrimitiveValType::F32 | PrimitiveValType::F64 => json!({ "type": "number" }),
        PrimitiveValType::Char => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
        PrimitiveValType::String => json!({ "type": "string" }),
        PrimitiveValType::ErrorContext => return Err(Unfit::Kind("error-context")),
    })
}
