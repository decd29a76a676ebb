//! Splits a file into its frontmatter and its instructions.

/// The two parts of a file. Lines end with `\n`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) front: Front,
    pub(super) body: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Front {
    Yaml(String),
    None,
    /// The first `---` is never closed.
    Unended,
}

/// Splits at the first two `---` without indentation. Any later one is a line of the body.
pub(super) fn split(text: &str) -> Parts {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let start = text.trim_start_matches(['\n', ' ', '\t']);
    let Some(rest) = opening(start) else { return Parts { front: Front::None, body: text } };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if matches!(line.trim_end(), "---" | "...") {
            let body = rest[at + line.len()..].to_owned();
            return Parts { front: Front::Yaml(rest[..at].to_owned()), body };
        }
        at += line.len();
    }
    Parts { front: Front::Unended, body: text }
}

/// The text after a first line of `---`.
fn opening(text: &str) -> Option<&str> {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    (line.trim_end() == "---").then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml(front: &str, body: &str) -> Parts {
        Parts { front: Front::Yaml(front.into()), body: body.into() }
    }

    #[test]
    fn a_file_has_two_parts() {
        for (text, expected) in [
            ("---\nname: a\n---\nDo.\n", yaml("name: a\n", "Do.\n")),
            ("\u{feff}---\r\nname: a\r\n---\r\nDo.\r\n", yaml("name: a\n", "Do.\n")),
            ("\n\n--- \nname: a\n---\t\nDo.", yaml("name: a\n", "Do.")),
            ("---\nname: a\n---\nDo.\n---\nMore.\n---\n", yaml("name: a\n", "Do.\n---\nMore.\n---\n")),
            ("---\na: |\n  x\n  ---\n  y\n---\nDo.\n", yaml("a: |\n  x\n  ---\n  y\n", "Do.\n")),
            ("---\nname: a\n...\nDo.\n", yaml("name: a\n", "Do.\n")),
            ("---\n---\nDo.\n", yaml("", "Do.\n")),
            ("---\nname: a\n---", yaml("name: a\n", "")),
            ("Do.\n---\nMore.\n", Parts { front: Front::None, body: "Do.\n---\nMore.\n".into() }),
            ("---\nname: a\n", Parts { front: Front::Unended, body: "---\nname: a\n".into() }),
            ("", Parts { front: Front::None, body: String::new() }),
        ] {
            assert_eq!(split(text), expected, "{text:?}");
        }
    }
}
