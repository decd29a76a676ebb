//! JSON Schemas of the types that are written as text, for the owner's API.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{AgentName, Digest, GroupId, PeerId, RequestId, SkillName, Text, VersionPin};

macro_rules! text_schemas {
    ($($name:ident: $schema:tt;)+) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

text_schemas! {
    PeerId: {
        "type": "string",
        "description": "An agent's Ed25519 public key: 52 characters of lower-case base32 (RFC 4648) without padding.",
        "pattern": "^[a-z2-7]{52}$",
    };
    Digest: {
        "type": "string",
        "description": "A SHA-256 digest.",
        "pattern": "^sha256:[0-9a-f]{64}$",
    };
    RequestId: {
        "type": "string",
        "description": "A UUID with hyphens, lower-case.",
        "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    };
    GroupId: {
        "type": "string",
        "description": "A group's id.",
        "pattern": "^[0-9a-f]{64}$",
    };
    SkillName: {
        "type": "string",
        "description": "A skill's name, or an id within a plan.",
        "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$",
    };
    AgentName: {
        "type": "string",
        "description": "The name that an agent's owner gave it: 1 to 64 bytes of printable text on one line.",
        "minLength": 1,
        "maxLength": 64,
    };
    Text: {
        "type": "string",
        "description": "At most 4096 bytes of text without control and direction-changing characters; line feeds and tabs are allowed.",
        "maxLength": Text::MAX,
    };
    VersionPin: {
        "type": "string",
        "description": "A whole version (`1.2.3`), which means exactly that one, or a requirement (`^1.2`, `>=1, <3`).",
        "maxLength": VersionPin::MAX,
    };
}
