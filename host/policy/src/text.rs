use std::fmt;

use serde::{Deserialize, Serialize};

/// A short text from an untrusted author, such as a guest's description or a peer's reason.
///
/// It is shown in terminals and pages. Control characters (escape sequences) and bidirectional overrides (misleading
/// order) are therefore refused at the edge instead of escaped in every view. Line feeds and tabs are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text(String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TextError {
    #[error("longer than {max} bytes")]
    TooLong { max: usize },
    #[error("holds a control or direction-changing character (U+{0:04X})")]
    Unprintable(u32),
}

impl Text {
    /// Longest text accepted, in bytes.
    pub const MAX: usize = 4096;

    pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        if text.len() > Self::MAX {
            return Err(TextError::TooLong { max: Self::MAX });
        }
        match text.chars().find(|c| !is_plain(*c)) {
            Some(c) => Err(TextError::Unprintable(c.into())),
            None => Ok(Self(text)),
        }
    }

    /// Makes any text plain: replaces characters that are not allowed by `\u{fffd}` and cuts text that is too long.
    pub fn sanitized(text: &str) -> Self {
        let mut plain = String::new();
        for c in text.chars().map(|c| if is_plain(c) { c } else { char::REPLACEMENT_CHARACTER }) {
            if plain.len() + c.len_utf8() > Self::MAX {
                break;
            }
            plain.push(c);
        }
        Self(plain)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `char::is_control` is C0, DEL and C1; the listed ranges are Unicode's bidirectional controls.
fn is_plain(c: char) -> bool {
    let direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !direction && (!c.is_control() || c == '\n' || c == '\t')
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for Text {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::new(text)
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}
