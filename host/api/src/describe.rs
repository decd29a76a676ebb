//! All operations with their JSON Schemas, for documentation and for clients in other languages.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::operation::Operation;
use crate::protocol;
use crate::request;
use crate::{ApiError, Update};

/// One operation, as the documentation lists it.
#[derive(Clone, Debug)]
pub struct OperationInfo {
    pub name: &'static str,
    pub area: &'static str,
    /// First paragraph of its documentation.
    pub summary: String,
    /// Further paragraphs.
    pub notes: String,
}

/// Collects the operations and their schemas.
pub(crate) struct Describe {
    generator: SchemaGenerator,
    operations: Vec<OperationInfo>,
    schemas: Map<String, Value>,
}

impl Describe {
    fn all() -> Self {
        let mut describe = Self {
            generator: SchemaSettings::draft2020_12().into_generator(),
            operations: Vec::new(),
            schemas: Map::new(),
        };
        request::describe(&mut describe);
        describe
    }

    pub(crate) fn operation<O: Operation>(&mut self, area: &'static str) {
        let schema = O::json_schema(&mut self.generator);
        let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let (summary, notes) = text.split_once("\n\n").unwrap_or((text, ""));
        self.operations.push(OperationInfo {
            name: O::NAME,
            area: area.strip_suffix("Op").unwrap_or(area),
            summary: one_line(summary),
            notes: one_line(notes),
        });
        let answer = self.generator.subschema_for::<O::Answer>();
        self.schemas.insert(O::NAME.to_owned(), json!({ "with": schema, "ok": answer }));
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// All operations, by area.
pub fn operations() -> Vec<OperationInfo> {
    Describe::all().operations
}

/// The JSON Schemas (draft 2020-12) of the socket's lines, and of the arguments and the answer of every operation.
pub fn schemas() -> Value {
    let Describe { mut generator, schemas, .. } = Describe::all();
    let lines = json!({
        "client_hello": generator.subschema_for::<protocol::ClientHello>(),
        "server_hello": generator.subschema_for::<protocol::ServerHello>(),
        "update": generator.subschema_for::<Update>(),
        "err": generator.subschema_for::<ApiError>(),
    });
    let defs = generator.take_definitions(true);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "coworker: the owner's API, protocol version 1",
        "lines": lines,
        "operations": schemas,
        "$defs": defs,
    })
}
