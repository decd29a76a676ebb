//! The texts hidden in one text behind JSON, escapes, base64 and hexadecimal digits.
//!
//! There is a fixed number of views, each about as long as the text at most.

use std::borrow::Cow;

/// Levels of nested escapes that are undone.
const LEVELS: usize = 3;
/// Shortest encoded run that is decoded, in characters.
const ENCODED: usize = 24;
/// Shortest decoded text that is searched, in bytes.
const DECODED: usize = 12;

/// A text in pieces. No word crosses the end of a piece.
pub(crate) struct Pieces {
    pub(crate) text: String,
    /// The end of each piece, and whether it is a key.
    pub(crate) ends: Vec<(usize, bool)>,
}

impl Pieces {
    /// All strings, keys and numbers of a JSON text in their order, separated by spaces.
    pub(crate) fn json(text: &str) -> Self {
        let mut pieces = Self { text: String::with_capacity(text.len()), ends: Vec::new() };
        let mut rest = text;
        while let Some(quote) = rest.find('"') {
            pieces.push(&rest[..quote], false);
            let (string, after) = rest[quote..].split_at(string_end(&rest[quote..]));
            let is_key = after.trim_start().starts_with(':');
            // An invalid JSON string is read literally.
            match serde_json::from_str::<Cow<'_, str>>(string) {
                Ok(string) => pieces.push(&string, is_key),
                Err(_) => pieces.push(string, is_key),
            }
            rest = after;
        }
        pieces.push(rest, false);
        pieces
    }

    pub(crate) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), ends: vec![(text.len(), false)] }
    }

    fn push(&mut self, piece: &str, is_key: bool) {
        self.text.push_str(piece);
        self.text.push(' ');
        // Consecutive values are one piece.
        match self.ends.last_mut().filter(|last| last.1 == is_key) {
            Some(last) => last.0 = self.text.len(),
            None => self.ends.push((self.text.len(), is_key)),
        }
    }
}

pub(crate) fn json(text: &str) -> String {
    Pieces::json(text).text
}

/// The position after the closing quote of the string at the start of `text`.
fn string_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// Undoes escapes repeatedly and returns the text at each level. Empty if there are no escapes.
pub(crate) fn unescaped(text: &str) -> Vec<String> {
    let mut levels: Vec<String> = Vec::new();
    while levels.len() < LEVELS {
        let last = levels.last().map_or(text, String::as_str);
        if !last.contains(['\\', '%', '&']) {
            break;
        }
        let next = undo_escapes(last);
        if next == last {
            break;
        }
        levels.push(next);
    }
    levels
}

fn undo_escapes(text: &str) -> String {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let undone = match first {
            b'\\' => backslash(after),
            b'%' => hex(after, 2).map(|byte| (vec![u8::try_from(byte).unwrap_or(b' ')], 2)),
            b'&' => entity(after),
            _ => None,
        };
        if let Some((bytes, taken)) = undone {
            out.extend(bytes);
            rest = after.get(taken..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The bytes that an escape stands for, and its length.
type Undone = Option<(Vec<u8>, usize)>;

fn backslash(after: &[u8]) -> Undone {
    match after.first()? {
        b'n' | b'r' | b't' | b'b' | b'f' => Some((vec![b' '], 1)),
        c @ (b'"' | b'\\' | b'/' | b'\'') => Some((vec![*c], 1)),
        b'u' => Some(character(hex(after.get(1..)?, 4)?, 5)),
        b'x' => Some(character(hex(after.get(1..)?, 2)?, 3)),
        _ => None,
    }
}

fn entity(after: &[u8]) -> Undone {
    let named = [("amp;", "&"), ("lt;", "<"), ("gt;", ">"), ("quot;", "\""), ("apos;", "'"), ("nbsp;", " ")];
    if let Some((name, text)) = named.iter().find(|(name, _)| after.starts_with(name.as_bytes())) {
        return Some((text.as_bytes().to_vec(), name.len()));
    }
    let end = after.iter().take(10).position(|byte| *byte == b';')?;
    let number = str::from_utf8(after.get(..end)?).ok()?.strip_prefix('#')?;
    let digits = number.strip_prefix(['x', 'X']);
    let code = digits.map_or_else(|| number.parse(), |digits| u32::from_str_radix(digits, 16)).ok()?;
    Some(character(code, end + 1))
}

fn character(code: u32, length: usize) -> (Vec<u8>, usize) {
    let c = char::from_u32(code).unwrap_or(' ');
    (c.to_string().into_bytes(), length)
}

fn hex(text: &[u8], digits: usize) -> Option<u32> {
    let text = text.get(..digits).filter(|text| text.iter().all(u8::is_ascii_hexdigit))?;
    u32::from_str_radix(str::from_utf8(text).ok()?, 16).ok()
}

/// All texts encoded in the text as base64 or hexadecimal digits, with anything between the digits.
pub(crate) fn decoded(text: &str) -> String {
    let mut out = String::new();
    for run in runs(text, sixth) {
        (0..4).for_each(|shift| readable(&bits(run.get(shift..).unwrap_or_default(), 6), &mut out));
    }
    let prefixed = text.contains("0x") || text.contains("\\x");
    let bare = prefixed.then(|| text.replace("0x", " ").replace("\\x", " "));
    for run in runs(bare.as_deref().unwrap_or(text), nibble) {
        (0..2).for_each(|shift| readable(&bits(run.get(shift..).unwrap_or_default(), 4), &mut out));
    }
    out
}

/// One character of an encoding.
enum Digit {
    Value(u8),
    /// Skipped.
    Space,
    /// Ends the run.
    End,
}

fn sixth(c: char) -> Digit {
    match c {
        'A'..='Z' => Digit::Value(c as u8 - b'A'),
        'a'..='z' => Digit::Value(c as u8 - b'a' + 26),
        '0'..='9' => Digit::Value(c as u8 - b'0' + 52),
        '+' | '-' => Digit::Value(62),
        '/' | '_' => Digit::Value(63),
        '=' => Digit::End,
        _ => Digit::Space,
    }
}

fn nibble(c: char) -> Digit {
    match c {
        _ if c.is_ascii_hexdigit() => {
            Digit::Value(c.to_digit(16).and_then(|d| d.try_into().ok()).unwrap_or(0))
        }
        _ if c.is_alphanumeric() => Digit::End,
        _ => Digit::Space,
    }
}

fn runs(text: &str, read: impl Fn(char) -> Digit) -> Vec<Vec<u8>> {
    let mut runs = vec![Vec::new()];
    for c in text.chars() {
        match (read(c), runs.last_mut()) {
            (Digit::Value(value), Some(run)) => run.push(value),
            (Digit::End, Some(run)) if run.len() >= ENCODED => runs.push(Vec::new()),
            (Digit::End, Some(run)) => run.clear(),
            _ => {}
        }
    }
    runs.retain(|run| run.len() >= ENCODED);
    runs
}

fn bits(digits: &[u8], width: u32) -> Vec<u8> {
    let (mut held, mut count) = (0_u32, 0);
    let mut bytes = Vec::with_capacity(digits.len());
    for digit in digits {
        held = (held << width) | u32::from(*digit);
        count += width;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((held >> count) & 0xff).unwrap_or_default());
            held &= (1 << count) - 1;
        }
    }
    bytes
}

/// Adds the parts of `bytes` that are text. Characters that encode nothing decode to noise, and most noise is
/// recognised by two neighbouring bytes that no text contains.
fn readable(bytes: &[u8], out: &mut String) {
    let mut add = |bytes: &[u8]| {
        let odd = |c: char| c.is_control() && !c.is_whitespace();
        for chunk in bytes.utf8_chunks() {
            for text in chunk.valid().split(odd).filter(|text| text.len() >= DECODED) {
                out.push_str(text);
                out.push(' ');
            }
        }
    };
    let (mut length, mut last) = (0, NOISE);
    for (at, byte) in bytes.iter().enumerate() {
        let kind = KINDS[usize::from(*byte)];
        let so_far = length;
        // Without a branch, because in noise a branch could not be predicted.
        length = usize::from(FOLLOWS[usize::from(last)] >> kind & 1) * length + usize::from(kind != NOISE);
        if so_far >= DECODED && length < 2 {
            add(&bytes[at - so_far..at]);
        }
        last = kind;
    }
    if length >= DECODED {
        add(&bytes[bytes.len() - length..]);
    }
}

/// The kinds of byte in a text.
const NOISE: u8 = 0;
const ASCII: u8 = 1;
const LEADING: u8 = 2;
const FURTHER: u8 = 3;

const KINDS: [u8; 256] = kinds();
/// For each kind, a bit for every kind that can follow it.
const FOLLOWS: [u8; 4] =
    [0, 1 << ASCII | 1 << LEADING, 1 << FURTHER, 1 << ASCII | 1 << LEADING | 1 << FURTHER];

#[expect(clippy::cast_possible_truncation, reason = "there are 256 bytes")]
const fn kinds() -> [u8; 256] {
    let mut kinds = [NOISE; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            9..=13 | 0x20..=0x7e => ASCII,
            0x80..=0xbf => FURTHER,
            0xc2..=0xf4 => LEADING,
            _ => NOISE,
        };
        byte += 1;
    }
    kinds
}
