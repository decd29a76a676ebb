use std::fmt;
use std::str::FromStr;

use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

/// Longest key, in bytes.
const MAX: usize = 4096;

/// The owner's API key at a provider. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Zeroizing<String>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key is one line of at most 4096 visible ASCII characters, without quotes and backslashes")]
pub struct BadKey;

impl Key {
    /// The key itself, to be written to a file that only its owner can read.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn header(&self) -> Result<HeaderValue, BadKey> {
        let text = Zeroizing::new(format!("Bearer {}", self.0.as_str()));
        let mut value = HeaderValue::from_str(&text).map_err(|_| BadKey)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Replaces the key in `text`. Providers quote the key that they refuse.
    pub(crate) fn hidden_in(&self, text: &str) -> String {
        text.replace(self.0.as_str(), "[key]")
    }
}

impl FromStr for Key {
    type Err = BadKey;

    /// Ignores white space around the key.
    fn from_str(text: &str) -> Result<Self, BadKey> {
        let text = text.trim();
        // JSON would escape these two, and `hidden_in` would not find the key in it.
        let visible = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        let fits = !text.is_empty() && text.len() <= MAX && text.bytes().all(visible);
        if fits { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(BadKey) }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_word_and_is_never_printed() {
        let key: Key = "  sk-Ab_12.3\n".parse().unwrap();
        assert_eq!(key.reveal(), "sk-Ab_12.3");
        assert_eq!(format!("{key:?} {:?}", key.header().unwrap()), "Key Sensitive");
        for bad in ["", " ", "two words", "a\nb", "schlüssel", "a\"b", "a\\b", &"k".repeat(MAX + 1)] {
            assert_eq!(bad.parse::<Key>(), Err(BadKey), "{bad}");
        }
    }

    #[test]
    fn a_key_that_a_provider_quotes_is_hidden() {
        let key: Key = "sk-1".parse().unwrap();
        assert_eq!(key.hidden_in("bad key sk-1, sk-1!"), "bad key [key], [key]!");
    }
}
