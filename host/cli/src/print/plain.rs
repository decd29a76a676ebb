//! Text that a peer or a guest may have written, made safe for a terminal: it cannot move the cursor,
//! change colours, or read other than it is.

use std::fmt::Write as _;

use serde_json::Value;

/// One line in which terminal control characters are visible and line breaks are spaces.
pub(crate) fn line(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' | '\r' => ' ',
        c if acts(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// JSON over several lines.
pub(crate) fn json(value: &Value) -> String {
    guard(&format!("{value:#}"))
}

/// In JSON such characters are in strings only, where the escape means the same. `serde_json` escapes the
/// others below U+0020 itself.
pub(super) fn guard(json: &str) -> String {
    let mut guarded = String::with_capacity(json.len());
    for c in json.chars() {
        if acts(c) && c != '\n' {
            // Writing to a String does not fail.
            let _ = write!(guarded, "\\u{:04x}", u32::from(c));
        } else {
            guarded.push(c);
        }
    }
    guarded
}

/// C0, DEL, C1, Unicode's line separators and its bidirectional controls.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_cannot_act_on_a_terminal() {
        assert_eq!(line("a\x1b[2Jb\u{202e}c\u{9b}d\ne"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d e");
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = json!({ "t": "\x1b[31m\u{9b}m \u{202e}\u{7f} ü \n" });
        let text = json(&value);
        assert!(text.chars().all(|c| c == '\n' || !acts(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
