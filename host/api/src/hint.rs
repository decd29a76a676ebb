//! Hints as data, so that each interface shows them in its own way: a terminal adds `--data DIR` to a command, a page
//! makes a button of it.

use std::borrow::Cow;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A way to fix a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Hint {
    /// A command to type next.
    Command {
        /// The purpose of the command, such as `see your peers`; may be empty.
        why: String,
        /// The words after `coworker`, unquoted. Words in capitals are placeholders.
        words: Vec<String>,
    },
    Text(String),
}

impl Hint {
    pub fn command<W: Into<String>>(why: impl Into<String>, words: impl IntoIterator<Item = W>) -> Self {
        Self::Command { why: why.into(), words: words.into_iter().map(Into::into).collect() }
    }

    /// The hint as one line of text. `data` is the data directory, where the user named one.
    pub fn line(&self, data: Option<&Path>) -> String {
        match self {
            Self::Command { why, words } if why.is_empty() => command_line(data, words),
            Self::Command { why, words } => format!("{why}: {}", command_line(data, words)),
            Self::Text(text) => text.clone(),
        }
    }

    /// Several hints as one line of text.
    pub fn join(hints: &[Self], data: Option<&Path>) -> String {
        hints.iter().map(|hint| hint.line(data)).collect::<Vec<_>>().join("; or ")
    }
}

/// A command line that a shell takes as it is: `coworker`, the data directory where the user named one, and `words`.
pub fn command_line<W: AsRef<str>>(data: Option<&Path>, words: impl IntoIterator<Item = W>) -> String {
    let mut line = "coworker".to_owned();
    if let Some(data) = data {
        line.push_str(" --data ");
        line.push_str(&shell_quoted(&data.to_string_lossy()));
    }
    for word in words {
        line.push(' ');
        line.push_str(&shell_quoted(word.as_ref()));
    }
    line
}

/// One word for a POSIX shell. Words of harmless characters stay bare.
fn shell_quoted(word: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_the_data_directory_that_the_user_named() {
        let hint = Hint::command("see your peers", ["peers"]);
        assert_eq!(hint.line(None), "see your peers: coworker peers");
        let data = Path::new("/tmp/my agent");
        assert_eq!(hint.line(Some(data)), "see your peers: coworker --data '/tmp/my agent' peers");
        assert_eq!(Hint::command("", ["peers"]).line(None), "coworker peers");
        let hints = [hint, Hint::Text("check the cable".to_owned())];
        assert_eq!(Hint::join(&hints, None), "see your peers: coworker peers; or check the cable");
    }

    #[test]
    fn words_are_quoted_so_that_a_shell_reads_them_as_they_are() {
        let words = ["grant", "GET https://a.example/*", "it's", "$(id)", "", "a_b@c%d+e=f:g,h./i-j", "ä"];
        let line = command_line(None, words);
        assert_eq!(
            line,
            r"coworker grant 'GET https://a.example/*' 'it'\''s' '$(id)' '' a_b@c%d+e=f:g,h./i-j 'ä'"
        );
        let echoed = std::process::Command::new("sh")
            .args(["-c", &line.replacen("coworker", "printf '%s\\n'", 1)])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(echoed.stdout).unwrap(), words.join("\n") + "\n");
    }
}
