use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::request::Request;

/// One thing that an owner can ask of an agent. Arguments and answer are plain data, so that an operation runs the same
/// way in the process that holds the agent and through the local socket.
pub trait Operation: Serialize + DeserializeOwned + JsonSchema + Into<Request> + Send + 'static {
    type Answer: Serialize + DeserializeOwned + JsonSchema + Send + 'static;

    /// Name on the socket.
    const NAME: &'static str;
}

/// Registers the operations of an area with their answers, and makes an enum of them.
macro_rules! operations {
    ($area:ident { $($operation:ident => $answer:ty),+ $(,)? }) => {
        /// Any operation of this area.
        #[derive(Clone, Debug, ::serde::Serialize)]
        #[serde(tag = "op", content = "with")]
        pub enum $area {
            $($operation($operation)),+
        }

        $(
            impl $crate::Operation for $operation {
                type Answer = $answer;
                const NAME: &'static str = stringify!($operation);
            }

            impl ::std::convert::From<$operation> for $crate::Request {
                fn from(operation: $operation) -> Self {
                    $area::$operation(operation).into()
                }
            }
        )+

        impl $crate::request::Area for $area {
            fn read(op: &str, with: ::serde_json::Value) -> $crate::request::Read<Self> {
                match op {
                    $(stringify!($operation) => {
                        $crate::request::Read::Known(::serde_json::from_value(with).map(Self::$operation))
                    })+
                    _ => $crate::request::Read::Unknown(with),
                }
            }

            fn describe(describe: &mut $crate::describe::Describe) {
                $(describe.operation::<$operation>(stringify!($area));)+
            }
        }
    };
}

pub(crate) use operations;
