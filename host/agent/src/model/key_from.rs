use std::fmt;

/// The source of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyFrom {
    /// The model needs no key, or answers that it does.
    Nowhere,
    Environment(String),
    File,
}

impl fmt::Display for KeyFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("nothing"),
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::File => f.write_str("the file llm.key"),
        }
    }
}
