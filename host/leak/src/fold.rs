//! Characters as the guard compares them: without case, accents and widths, and with look-alikes replaced.

use std::iter;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// One character of a text, as the guard compares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folded {
    /// A letter or a digit of a word.
    Letter(char),
    /// A letter of a script that puts no spaces between words.
    Alone(char),
    /// The end of a word.
    Gap,
}

/// Passes each folded character to `each`. Invisible characters are dropped.
pub(crate) fn fold(c: char, mut each: impl FnMut(Folded)) {
    if c.is_ascii() {
        return each(if c.is_ascii_alphanumeric() {
            Folded::Letter(c.to_ascii_lowercase())
        } else {
            Folded::Gap
        });
    }
    if is_unseen(c) {
        return;
    }
    for part in iter::once(c).nfkd().filter(|part| !is_combining_mark(*part) && !is_unseen(*part)) {
        if !part.is_alphanumeric() {
            each(Folded::Gap);
        } else if is_alone(part) {
            each(Folded::Alone(part));
        } else {
            // To upper case and back, so that final sigma, sharp s and dotless i fold like their capitals.
            let small = part.to_uppercase().flat_map(char::to_lowercase);
            small.for_each(|small| each(Folded::Letter(look_alike(small))));
        }
    }
}

/// Soft hyphens, joiners, direction marks, variation selectors, tags.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Ideographs, kana, and the scripts of South East Asia.
fn is_alone(c: char) -> bool {
    matches!(
        c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
            | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}'
    )
}

/// Maps small letters of other scripts to the Latin letter that their small or capital form looks like. Fullwidth,
/// circled and mathematical letters are Latin after decomposition. Private text passes through the same map.
const fn look_alike(c: char) -> char {
    match c {
        'а' | 'α' | 'ɑ' | 'ᴀ' => 'a',
        'в' | 'β' | 'ʙ' | 'ᏼ' => 'b',
        'с' | 'ϲ' | 'ᴄ' => 'c',
        'ԁ' | 'ᴅ' | 'ɖ' => 'd',
        'е' | 'ε' | 'ҽ' | 'ᴇ' => 'e',
        'ғ' | 'ϝ' | 'ꜰ' => 'f',
        'ɡ' | 'ց' | 'ɢ' => 'g',
        'н' | 'һ' | 'հ' | 'ʜ' => 'h',
        'і' | 'ι' | 'ɩ' | 'ɪ' => 'i',
        'ј' | 'ᴊ' => 'j',
        'к' | 'κ' | 'ᴋ' => 'k',
        'ӏ' | 'ʟ' | 'ⅼ' => 'l',
        'м' | 'μ' | 'ᴍ' => 'm',
        'η' | 'ո' | 'ɴ' => 'n',
        'о' | 'ο' | 'օ' | 'ᴏ' => 'o',
        'р' | 'ρ' | 'ᴘ' => 'p',
        'ԛ' | 'զ' => 'q',
        'ʀ' => 'r',
        'ѕ' | 'ꜱ' => 's',
        'т' | 'τ' | 'ᴛ' => 't',
        'υ' | 'ս' | 'ᴜ' => 'u',
        'ν' | 'ѵ' | 'ᴠ' => 'v',
        'ԝ' | 'ω' | 'ᴡ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'ү' | 'γ' | 'ʏ' => 'y',
        'ζ' | 'ᴢ' => 'z',
        other => other,
    }
}
