/// A sentence as it stands in the text, including line breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sentence<'a> {
    pub(crate) text: &'a str,
    /// The number of its paragraph, from 0.
    pub(crate) paragraph: usize,
    /// Ends with punctuation, unlike most headings, captions and table cells.
    pub(crate) complete: bool,
}

/// The longest piece, in bytes. Logs, tables and text without punctuation are cut, so that one piece cannot be the
/// whole summary.
const LONGEST: usize = 1_000;

/// Words whose full stop does not end a sentence, in lower case and without their last stop.
const ABBREVIATIONS: &[&str] = &[
    "abb", "abs", "approx", "aufl", "av", "bd", "bspw", "bzw", "ca", "cf", "co", "corp", "d.h", "dept", "dr",
    "dt", "e.g", "eds", "evtl", "fig", "gen", "ggf", "gov", "hon", "hr", "i.e", "inc", "inkl", "jr", "ltd",
    "m.e", "mio", "mlle", "mme", "mr", "mrd", "mrs", "ms", "mt", "nr", "o.ä", "p.ej", "pp", "prof", "rev",
    "s.o", "s.u", "sen", "sgt", "sr", "sra", "st", "tel", "u.a", "u.s", "ud", "uds", "v.a", "vgl", "vol",
    "vs", "z.b", "z.t", "zzgl",
];

/// Names of months: in German `3. Oktober` the stop after the number does not end a sentence.
const MONTHS: &[&str] = &[
    "januar",
    "jänner",
    "februar",
    "märz",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "dezember",
];

/// Splits a text into sentences, in linear time. Drops only white space.
pub(crate) fn split(text: &str) -> Vec<Sentence<'_>> {
    let mut sentences = Vec::new();
    for (paragraph, block) in blocks(text).enumerate() {
        for piece in block_sentences(block) {
            let complete = piece.trim_end_matches(is_closer).ends_with(is_end);
            sentences.extend(cut(piece).map(|text| Sentence { text, paragraph, complete }));
        }
    }
    sentences
}

/// Splits a text into paragraphs and list items, at empty lines and at list markers.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let end = block_end(rest);
        let (block, after) = rest.split_at(end);
        rest = after;
        Some(block.trim_end())
    })
}

fn block_end(text: &str) -> usize {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        if end > 0 && (line.trim().is_empty() || is_item(line)) {
            return end;
        }
        end += line.len();
    }
    end
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = (1..=3).contains(&(line.len() - number.len())) && number.starts_with([')', '.']);
    let after =
        if numbered { &number[1..] } else { line.trim_start_matches(['-', '*', '•', '–', '#', '>']) };
    after.len() < line.len() && after.starts_with(char::is_whitespace)
}

fn block_sentences(block: &str) -> impl Iterator<Item = &str> {
    let mut rest = block;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let (sentence, after) = rest.split_at(sentence_end(rest));
        rest = after;
        Some(sentence.trim_end())
    })
}

/// Returns the end of the first sentence of `text`, after its closing quotes and brackets.
fn sentence_end(text: &str) -> usize {
    let mut from = 0;
    while let Some(at) = text[from..].find(is_end) {
        let stop = from + at;
        let after = text[stop..].trim_start_matches(is_end).trim_start_matches(is_closer);
        let end = text.len() - after.len();
        if ends_here(&text[..stop], &text[stop..end], after) {
            return end;
        }
        from = end;
    }
    text.len()
}

/// Returns whether `marks`, punctuation with closing quotes and brackets, end a sentence.
fn ends_here(before: &str, marks: &str, after: &str) -> bool {
    if marks.contains(is_wide) || after.is_empty() {
        return true;
    }
    if !after.starts_with(char::is_whitespace) {
        return false;
    }
    let next = after.trim_start().trim_start_matches(is_opener);
    let may_go_on = marks.starts_with(['.', '…']) || marks.ends_with(is_closer);
    if may_go_on && next.starts_with(char::is_lowercase) {
        return false;
    }
    !(marks == "." && is_abbreviation(before, next))
}

fn is_abbreviation(before: &str, next: &str) -> bool {
    let start = before
        .rfind(|c: char| c.is_whitespace() || is_opener(c))
        .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8));
    let word = &before[start..];
    let mut letters = word.chars();
    if letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none() {
        return true;
    }
    if word.bytes().all(|b| b.is_ascii_digit()) && word.len() <= 2 {
        let next = next.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        return start == 0 || listed(MONTHS, next);
    }
    listed(ABBREVIATIONS, word)
}

fn listed(list: &[&str], word: &str) -> bool {
    // No listed word is longer. Converting a megabyte to lower case would waste the guest's fuel.
    word.len() <= 16 && list.contains(&word.to_lowercase().as_str())
}

/// Cuts a text into pieces of at most [`LONGEST`] bytes, at white space if possible.
fn cut(piece: &str) -> impl Iterator<Item = &str> {
    let mut rest = piece;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let limit = if rest.len() <= LONGEST { rest.len() } else { rest.floor_char_boundary(LONGEST) };
        let space = rest[..limit].rfind(char::is_whitespace).filter(|at| *at > 0 && limit < rest.len());
        let (head, tail) = rest.split_at(space.unwrap_or(limit));
        rest = tail.trim_start();
        Some(head)
    })
}

fn is_end(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？' | '｡' | '।' | '؟' | '۔')
}

/// Returns whether a mark belongs to a script without spaces between sentences.
fn is_wide(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '｡')
}

fn is_closer(c: char) -> bool {
    matches!(c, '"' | '\'' | ')' | ']' | '}' | '»' | '«' | '”' | '’' | '“' | '‘' | '」' | '』' | '）')
}

fn is_opener(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '(' | '[' | '{' | '»' | '«' | '“' | '‘' | '„' | '‚' | '¿' | '¡' | '「' | '『' | '（'
    )
}
