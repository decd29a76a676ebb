//! JSON Schemas of the types that serialise by hand, for the owner's API.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{Agent, Template};

impl JsonSchema for Agent {
    fn schema_name() -> Cow<'static, str> {
        "StepAgent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The agent that runs a step: `me` for the owner of the plan, or a peer's id.",
            "pattern": "^(me|[a-z2-7]{52})$",
        })
    }
}

impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The input of a step: JSON in which `{\"$from\": STEP or \"goal\", \"at\": JSON pointer}` stands \
                for a value of that step's output or of the goal's input. A field that is really named `$from` is written `$$from`.",
        })
    }
}
