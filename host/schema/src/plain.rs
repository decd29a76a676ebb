/// Longest message, in characters.
const MAX: usize = 300;

/// The start of a message as plain text.
///
/// The validator's messages can quote whole schemas, and names of properties that a peer or guest chose. They are
/// shown in terminals, so control characters and characters that change the direction of text are replaced.
pub(crate) fn brief(message: &str) -> String {
    let mut characters = message.chars();
    let plain = |c: char| if is_plain(c) { c } else { char::REPLACEMENT_CHARACTER };
    let mut brief: String = characters.by_ref().take(MAX).map(plain).collect();
    if characters.next().is_some() {
        brief.push('…');
    }
    brief
}

/// The same characters that `coworker_policy::Text` accepts; a test there compares the two.
fn is_plain(c: char) -> bool {
    let direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !direction && (!c.is_control() || c == '\n' || c == '\t')
}
