//! Finds the one thing that a person means by a name or by the start of an id.

use coworker_policy::{ErrorCode, Text};

use crate::base::error::OpError;

/// Things that a person names: requests, goals, groups, peers.
pub(crate) struct Kind {
    pub(crate) singular: &'static str,
    pub(crate) plural: &'static str,
    /// The code of the error for a name that fits nothing, or several.
    pub(crate) code: ErrorCode,
    /// Commands that help, each with its purpose: how to list them, for example.
    pub(crate) hints: &'static [(&'static str, &'static [&'static str])],
}

/// The start of an id, in lower case and long enough to mean something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdStart(String);

/// The most ids that an error lists.
const MAX_LISTED: usize = 8;

impl IdStart {
    /// Shorter starts fit by accident.
    const MIN: usize = 4;

    pub(crate) fn of(typed: &str) -> Option<Self> {
        (typed.len() >= Self::MIN).then(|| Self(typed.to_ascii_lowercase()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn fits(&self, id: &str) -> bool {
        id.starts_with(&self.0)
    }
}

impl Kind {
    pub(crate) fn id_start(&self, typed: &str) -> Result<IdStart, OpError> {
        IdStart::of(typed).ok_or_else(|| {
            let message = format!("type at least {} characters of the {}'s id", IdStart::MIN, self.singular);
            self.suggest(OpError::new(ErrorCode::Usage, message))
        })
    }

    /// The only one of `found`; `label` is how the others are told apart.
    pub(crate) fn only<T>(
        &self,
        typed: &str,
        mut found: Vec<T>,
        label: impl Fn(&T) -> String,
    ) -> Result<T, OpError> {
        match (found.pop(), found.as_slice()) {
            (Some(one), []) => Ok(one),
            (None, _) => Err(self.missing(typed)),
            (Some(last), _) => {
                found.push(last);
                Err(self.ambiguous(typed, found.iter().map(label)))
            }
        }
    }

    fn suggest(&self, error: OpError) -> OpError {
        self.hints.iter().fold(error, |error, (why, words)| error.suggest(*why, words.iter().copied()))
    }

    pub(crate) fn missing(&self, typed: &str) -> OpError {
        let message = format!("no {} matches `{}`", self.singular, Text::sanitized(typed));
        self.suggest(OpError::new(self.code, message))
    }

    pub(crate) fn ambiguous(&self, typed: &str, labels: impl Iterator<Item = String>) -> OpError {
        let message = format!("`{}` matches several {}", Text::sanitized(typed), self.plural);
        let labels: Vec<String> = labels.take(MAX_LISTED).collect();
        OpError::new(self.code, message).hint(format!("choose one of: {}", labels.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use coworker_api::Hint;

    use super::*;

    const BOXES: Kind = Kind {
        singular: "box",
        plural: "boxes",
        code: ErrorCode::NotConnected,
        hints: &[("see them", &["boxes"])],
    };

    fn only(found: &[&'static str]) -> Result<&'static str, String> {
        let found = BOXES.only("ab", found.to_vec(), ToString::to_string);
        found.map_err(|error| format!("{}; {}", error.message, Hint::join(&error.hints, None)))
    }

    #[test]
    fn one_match_is_taken_and_none_or_several_are_explained() {
        assert_eq!(only(&["abc"]), Ok("abc"));
        assert_eq!(only(&[]), Err("no box matches `ab`; see them: coworker boxes".to_owned()));
        let several = only(&["abc", "abd", "abe"]);
        assert_eq!(several, Err("`ab` matches several boxes; choose one of: abc, abd, abe".to_owned()));
    }

    #[test]
    fn a_start_has_four_characters_and_ignores_their_case() {
        assert_eq!(BOXES.id_start("ABC").unwrap_err().code, ErrorCode::Usage);
        let start = BOXES.id_start("ABCD").unwrap();
        assert!(start.fits("abcdef") && !start.fits("abce"));
    }
}
