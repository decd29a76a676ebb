use coworker_policy::{ErrorCode, Text};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::describe::Describe;
use crate::error::ApiError;
use crate::ops::{
    AuditOp, CallOp, GoalOp, GroupOp, InviteOp, ModelOp, PeerOp, PolicyOp, ReceiptOp, SkillOp, StatusOp,
    TrustOp,
};

/// An attempt to read an operation of one area.
pub(crate) enum Read<T> {
    Known(Result<T, serde_json::Error>),
    /// The name belongs to no operation of the area; the arguments are given back.
    Unknown(Value),
}

/// The operations of one area.
pub(crate) trait Area: Sized {
    fn read(op: &str, with: Value) -> Read<Self>;

    fn describe(describe: &mut Describe);
}

macro_rules! areas {
    ($($variant:ident($area:ident)),+ $(,)?) => {
        /// Any operation, by area. Written `{"op": NAME, "with": ARGUMENTS}`.
        #[derive(Clone, Debug, Serialize)]
        #[serde(untagged)]
        pub enum Request {
            $($variant($area)),+
        }

        $(impl From<$area> for Request {
            fn from(operation: $area) -> Self {
                Self::$variant(operation)
            }
        })+

        impl Request {
            fn read(op: &str, with: Value) -> Read<Self> {
                $(let with = match $area::read(op, with) {
                    Read::Known(read) => return Read::Known(read.map(Self::$variant)),
                    Read::Unknown(with) => with,
                };)+
                Read::Unknown(with)
            }
        }

        pub(crate) fn describe(describe: &mut Describe) {
            $($area::describe(describe);)+
        }
    };
}

areas! {
    Status(StatusOp),
    Skill(SkillOp),
    Policy(PolicyOp),
    Peer(PeerOp),
    Invite(InviteOp),
    Trust(TrustOp),
    Call(CallOp),
    Goal(GoalOp),
    Group(GroupOp),
    Audit(AuditOp),
    Receipt(ReceiptOp),
    Model(ModelOp),
}

impl Request {
    /// Reads an operation by its name and arguments.
    pub fn new(op: &str, with: Value) -> Result<Self, ApiError> {
        match Self::read(op, with) {
            Read::Known(Ok(request)) => Ok(request),
            Read::Known(Err(error)) => {
                Err(ApiError::new(ErrorCode::Usage, format!("bad arguments for `{op}`: {error}"))
                    .hint("docs/api.md lists the arguments of every operation"))
            }
            Read::Unknown(_) => Err(ApiError::new(
                ErrorCode::Usage,
                format!("this version has no operation `{}`", Text::sanitized(op)),
            )
            .hint("use the same coworker version on both sides; docs/api.md lists the operations")),
        }
    }

    /// Reads `{"op": NAME, "with": ARGUMENTS}`. Operations without arguments need no `with`.
    pub fn from_json(json: Value) -> Result<Self, ApiError> {
        let Written { op, with } = serde_json::from_value(json).map_err(|error| {
            ApiError::new(ErrorCode::Usage, format!("not a request: {error}"))
                .hint(r#"write {"op": NAME, "with": {ARGUMENTS}}"#)
        })?;
        Self::new(&op, with)
    }
}

/// A request before its arguments are read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    op: String,
    #[serde(default = "no_arguments")]
    with: Value,
}

pub(crate) fn no_arguments() -> Value {
    Value::Object(Map::new())
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { op, with } = Written::deserialize(deserializer)?;
        Self::new(&op, with).map_err(serde::de::Error::custom)
    }
}
