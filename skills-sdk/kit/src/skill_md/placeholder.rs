//! Places in the body that mean a caller's value. The value never goes there: instructions are the author's words
//! only.

use std::ops::Range;

/// The longest name of a placeholder.
const NAME: usize = 40;

/// One place in the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mention<'a> {
    pub(super) at: Range<usize>,
    pub(super) what: Place<'a>,
    /// Between backticks or in a fenced block: more often a program than a placeholder.
    pub(super) in_code: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// `$ARGUMENTS`, `{{ARGUMENTS}}`.
    Whole,
    /// `$1`, or `$ARGUMENTS[0]`, which means the same. Counted from 1.
    Nth(u8),
    /// `{topic}`, `{{topic}}`, `${topic}`.
    Braces(&'a str),
    /// `$topic`.
    Dollar(&'a str),
}

/// All placeholders of a body, in order.
pub(super) fn mentions(body: &str) -> Vec<Mention<'_>> {
    let mut found = Vec::new();
    let mut code = Code::default();
    let mut start = 0;
    for line in body.split_inclusive('\n') {
        let fenced = code.line(line);
        scan(body, start..start + line.len(), fenced, &mut found);
        start += line.len();
    }
    found
}

/// Counts inline shell commands: `` !`date` ``, and blocks that begin with three backticks and `!`.
pub(super) fn shell_commands(body: &str) -> usize {
    let begins = |at: usize| body[..at].chars().next_back().is_none_or(char::is_whitespace);
    let inline = body.match_indices("!`").filter(|(at, _)| begins(*at)).count();
    inline + body.lines().filter(|line| line.trim_start().starts_with("```!")).count()
}

/// Tracks fenced blocks line by line.
#[derive(Default)]
struct Code {
    /// The mark that ends the open block.
    until: Option<String>,
}

impl Code {
    /// Whether a line is in a block. Fences are.
    fn line(&mut self, line: &str) -> bool {
        let text = line.trim();
        if let Some(until) = &self.until {
            if text.starts_with(until.as_str()) && text.chars().all(|c| until.starts_with(c)) {
                self.until = None;
            }
            return true;
        }
        let mark = ['`', '~'].into_iter().find(|mark| text.starts_with(&mark.to_string().repeat(3)));
        self.until = mark.map(|mark| text.chars().take_while(|c| *c == mark).collect());
        self.until.is_some()
    }
}

fn scan<'a>(body: &'a str, line: Range<usize>, fenced: bool, found: &mut Vec<Mention<'a>>) {
    let mut at = line.start;
    let mut in_ticks = false;
    while at < line.end {
        let rest = &body[at..line.end];
        let escaped = body[..at].ends_with('\\');
        if let Some((what, length)) = placeholder(rest).filter(|_| !escaped) {
            found.push(Mention { at: at..at + length, what, in_code: fenced || in_ticks });
            at += length;
            continue;
        }
        let step = rest.chars().next().map_or(1, char::len_utf8);
        // A run of backticks of any length opens or closes.
        in_ticks ^= rest.starts_with('`') && !rest[1..].starts_with('`');
        at += step;
    }
}

/// The placeholder at the start of `text`, and its length in bytes.
fn placeholder(text: &str) -> Option<(Place<'_>, usize)> {
    if let Some(rest) = text.strip_prefix("$ARGUMENTS") {
        return Some(whole(rest));
    }
    if let Some(rest) = text.strip_prefix('$') {
        if rest.starts_with('{') {
            return braces(rest, 1).map(|(place, length)| (place, length + 1));
        }
        return number(rest).or_else(|| dollar(rest));
    }
    let double = text.starts_with("{{");
    braces(text, if double { 2 } else { 1 })
}

fn whole(rest: &str) -> (Place<'_>, usize) {
    const LENGTH: usize = "$ARGUMENTS".len();
    let index = rest.strip_prefix('[').and_then(|rest| {
        let digits = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
        let nth = rest[..digits].parse::<u8>().ok()?.checked_add(1)?;
        rest[digits..].starts_with(']').then_some((nth, digits))
    });
    match index {
        Some((nth, digits)) if nth <= 20 => (Place::Nth(nth), LENGTH + digits + 2),
        _ => (Place::Whole, LENGTH),
    }
}

/// `$1`, but no sum of money: `$100`, `$5.50` and `$1k` are text.
fn number(rest: &str) -> Option<(Place<'_>, usize)> {
    let mut chars = rest.chars();
    let digit = chars.next().and_then(|c| c.to_digit(10)).filter(|digit| *digit > 0)?;
    let (next, after) = (chars.next(), chars.next());
    let word = next.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let fraction = next.is_some_and(|c| matches!(c, '.' | ',')) && after.is_some_and(|c| c.is_ascii_digit());
    (!word && !fraction).then(|| (Place::Nth(u8::try_from(digit).unwrap_or(9)), 2))
}

/// `$topic`; a name all in capitals is a variable of the shell.
fn dollar(rest: &str) -> Option<(Place<'_>, usize)> {
    let name = name(rest, |c| c.is_ascii_alphanumeric() || c == '_')?;
    let called = rest[name.len()..].starts_with(['(', '{', '[']);
    let lower = name.contains(|c: char| c.is_ascii_lowercase());
    (lower && !called).then(|| (Place::Dollar(name), name.len() + 1))
}

fn braces(text: &str, count: usize) -> Option<(Place<'_>, usize)> {
    let inner = text.strip_prefix(&"{{"[..count])?;
    let spaces = inner.len() - inner.trim_start_matches(' ').len();
    let name = name(&inner[spaces..], |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))?;
    let after = inner[spaces + name.len()..].trim_start_matches(' ');
    let rest = after.strip_prefix(&"}}"[..count])?;
    // A single pair with spaces inside is a block of a program.
    (count == 2 || (spaces == 0 && after.len() + name.len() == inner.len())).then(|| {
        (if name == "ARGUMENTS" { Place::Whole } else { Place::Braces(name) }, text.len() - rest.len())
    })
}

fn name(text: &str, within: impl Fn(char) -> bool) -> Option<&str> {
    let end = text.find(|c| !within(c)).unwrap_or(text.len());
    let name = &text[..end];
    (name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.len() <= NAME).then_some(name)
}

/// Replaces every place that `named` knows by a reference. A caller's text is data and stays in the caller's own
/// message.
pub(super) fn referring(body: &str, named: impl Fn(&Mention<'_>) -> Option<String>) -> String {
    let mut out = String::with_capacity(body.len());
    let mut from = 0;
    for mention in mentions(body) {
        let Some(argument) = named(&mention) else { continue };
        out.push_str(&body[from..mention.at.start]);
        out.extend(["(the value of \"", &argument, "\" in the user's message)"]);
        from = mention.at.end;
    }
    out + &body[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(body: &str) -> Vec<Place<'_>> {
        mentions(body).into_iter().map(|mention| mention.what).collect()
    }

    #[test]
    fn placeholders_are_found_in_all_their_forms() {
        use Place::{Braces, Dollar, Nth, Whole};
        let cases: [(&str, &[Place<'_>]); 15] = [
            ("Do $ARGUMENTS {{ARGUMENTS}}", &[Whole, Whole]),
            ("$ARGUMENTS[0] and $ARGUMENTS[1]", &[Nth(1), Nth(2)]),
            ("Fix #$1 by $2.", &[Nth(1), Nth(2)]),
            ("$100, $5.50, $1k, $1,000 and $0", &[]),
            ("About {topic} and {{tone}} and {{ mood }}", &[Braces("topic"), Braces("tone"), Braces("mood")]),
            ("${topic} $topic $topicName", &[Braces("topic"), Dollar("topic"), Dollar("topicName")]),
            ("$HOME $PATH ${HOME}", &[Braces("HOME")]),
            (r"\$topic \{topic}", &[]),
            ("{\"a\": 1} { topic } {a b} {} {{}}", &[]),
            ("$fn(x) $map[0]", &[]),
            ("{{topic} {topic", &[Braces("topic")]),
            ("über {thema} 主题 {name}", &[Braces("thema"), Braces("name")]),
            ("{1} $", &[]),
            (&"{a".repeat(50), &[]),
            ("{abcdefghijabcdefghijabcdefghijabcdefghijx}", &[]),
        ];
        for (body, expected) in cases {
            assert_eq!(found(body), expected, "{body}");
        }
    }

    #[test]
    fn code_is_told_from_text() {
        let body = "{a} `{b}` ``{c}`` {d}\n```sh\n$e {f}\n```\n$g\n~~~\n{h}\n";
        let in_code: Vec<bool> = mentions(body).iter().map(|mention| mention.in_code).collect();
        assert_eq!(in_code, [false, true, true, false, true, true, false, true]);
    }

    #[test]
    fn a_place_refers_to_the_callers_message() {
        let text = referring("Write {topic}, not {other}.", |mention| {
            (mention.what == Place::Braces("topic")).then(|| "topic".to_owned())
        });
        assert_eq!(text, "Write (the value of \"topic\" in the user's message), not {other}.");
    }

    #[test]
    fn inline_shell_is_counted() {
        assert_eq!(shell_commands("Now: !`date`, x!`y`\n!`ls`\n```!\nls\n```\n"), 3);
    }
}
