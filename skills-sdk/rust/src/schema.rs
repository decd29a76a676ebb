use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};

/// Returns the schema of the input that a caller sends.
pub(crate) fn input<T: JsonSchema>() -> String {
    text::<T>(SchemaSettings::draft2020_12().for_deserialize())
}

/// Returns the schema of the output that the skill returns.
pub(crate) fn output<T: JsonSchema>() -> String {
    text::<T>(SchemaSettings::draft2020_12().for_serialize())
}

fn text<T: JsonSchema>(settings: SchemaSettings) -> String {
    let settings = settings
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(RecursiveTransform(without_machine_formats));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    // The name of the author's Rust type is not part of the contract.
    schema.remove("title");
    schema.to_value().to_string()
}

/// Removes formats such as `uint32`, which JSON Schema does not define: some clients warn about them or crash.
fn without_machine_formats(schema: &mut Schema) {
    let format = schema.get("format").and_then(|format| format.as_str()).unwrap_or_default();
    if ["uint", "int", "float", "double"].iter().any(|machine| format.starts_with(machine)) {
        schema.remove("format");
    }
}
