//! Bounds on lists and JSON values that a peer, a file or a model supplies.

use std::fmt;
use std::io::{self, Write};
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde_json::Value;

/// Reads a list of at most `MAX` items. A longer list is an error, and its further items are not kept.
pub(crate) fn list<'de, D, T, const MAX: usize>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    from.deserialize_seq(AtMost::<T, MAX>(PhantomData))
}

struct AtMost<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for AtMost<T, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while list.len() < MAX {
            match items.next_element()? {
                Some(item) => list.push(item),
                None => return Ok(list),
            }
        }
        match items.next_element::<serde::de::IgnoredAny>()? {
            Some(_) => Err(A::Error::invalid_length(MAX + 1, &self)),
            None => Ok(list),
        }
    }
}

/// Counts the bytes of `value` as compact JSON without building the text.
pub(crate) fn json_size(value: &impl serde::Serialize) -> usize {
    let mut counted = Counted(0);
    // A value that does not serialise cannot be sent, so it counts as too large.
    serde_json::to_writer(&mut counted, value).map_or(usize::MAX, |()| counted.0)
}

struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns whether `value` nests at most `levels` deep. The recursion is no deeper than `levels`.
pub(crate) fn is_shallow(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return false };
    match value {
        Value::Array(items) => items.iter().all(|item| is_shallow(item, below)),
        Value::Object(fields) => fields.values().all(|field| is_shallow(field, below)),
        _ => true,
    }
}
