use std::collections::HashMap;

use crate::sentence::Sentence;

/// The meaningful words of a text, numbered.
#[derive(Debug)]
pub(crate) struct Words {
    /// The distinct words of each sentence.
    pub(crate) of: Vec<Vec<usize>>,
    /// The weight of each word in a sentence's score.
    pub(crate) weight: Vec<f64>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    in_text: u32,
    in_sentences: u32,
}

pub(crate) fn count(sentences: &[Sentence<'_>]) -> Words {
    let mut numbers = HashMap::new();
    let mut counts: Vec<Count> = Vec::new();
    let mut of = Vec::with_capacity(sentences.len());
    for sentence in sentences {
        let mut words = Vec::new();
        each_word(sentence.text, |word| {
            let number = number(&mut numbers, word);
            counts.resize(counts.len().max(number + 1), Count::default());
            counts[number].in_text += 1;
            words.push(number);
        });
        words.sort_unstable();
        words.dedup();
        for word in &words {
            counts[*word].in_sentences += 1;
        }
        of.push(words);
    }
    let weight = counts.iter().map(|count| weight(*count, sentences.len())).collect();
    Words { of, weight }
}

fn number(numbers: &mut HashMap<String, usize>, word: &str) -> usize {
    if let Some(number) = numbers.get(word) {
        return *number;
    }
    let number = numbers.len();
    numbers.insert(word.to_owned(), number);
    number
}

/// Weighs a word. A word in most sentences of a long text weighs nothing: it is an article or the like in a language
/// that [`STOP_WORDS`] does not cover.
fn weight(count: Count, sentences: usize) -> f64 {
    if sentences >= 10 && count.in_sentences as usize * 2 > sentences {
        0.0
    } else {
        f64::from(count.in_text)
    }
}

/// Calls `found` with each word in lower case. Scripts without spaces yield pairs of characters.
fn each_word(text: &str, mut found: impl FnMut(&str)) {
    for run in text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()) {
        if run.chars().any(is_unspaced) {
            pairs(run, &mut found);
        } else if run.chars().nth(1).is_some() {
            let word = run.to_lowercase();
            if !is_stop_word(&word) {
                found(&word);
            }
        }
    }
}

fn pairs(run: &str, found: &mut impl FnMut(&str)) {
    let starts = run.char_indices().map(|(at, _)| at);
    let ends = run.char_indices().map(|(at, c)| at + c.len_utf8()).skip(1);
    for (start, end) in starts.zip(ends) {
        found(&run[start..end]);
    }
}

fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{e00}'..='\u{e7f}')
}

fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

/// English, German, French and Spanish words without a topic, of two letters and more, sorted.
#[rustfmt::skip]
const STOP_WORDS: &[&str] = &[
    "aber", "about", "above", "after", "again", "against", "ainsi", "al", "algo", "all", "alle", "allem",
    "allen", "aller", "alles", "alors", "als", "also", "am", "an", "and", "ante", "antes", "any", "are", "as",
    "así", "at", "au", "auch", "auf", "aunque", "aus", "aussi", "autre", "aux", "avait", "avec", "avoir",
    "be", "because", "been", "before", "bei", "beim", "being", "below", "between", "bin", "bis", "bist",
    "both", "but", "by", "cada", "can", "ce", "cela", "ces", "cet", "cette", "ceux", "comme", "como", "con",
    "contra", "could", "cuando", "da", "dabei", "dadurch", "dafür", "damit", "dann", "dans", "das", "dass",
    "de", "del", "dem", "den", "denn", "depuis", "der", "deren", "des", "desde", "dessen", "deux", "did",
    "die", "dies", "diese", "diesem", "diesen", "dieser", "dieses", "do", "doch", "does", "doing", "don",
    "donc", "donde", "dont", "dort", "dos", "down", "du", "durante", "durch", "during", "each", "ein", "eine",
    "einem", "einen", "einer", "eines", "el", "ella", "ellas", "elle", "elles", "ellos", "en", "encore",
    "entre", "er", "era", "eran", "es", "esa", "ese", "eso", "est", "esta", "estaba", "estado", "estas",
    "este", "esto", "estos", "está", "están", "et", "etwa", "etwas", "eu", "even", "fait", "few", "for",
    "from", "fue", "fueron", "further", "für", "gegen", "get", "gewesen", "ha", "habe", "haben", "había",
    "hace", "had", "han", "has", "hasta", "hat", "hatte", "hatten", "have", "having", "hay", "he", "her",
    "here", "hers", "hier", "him", "his", "how", "however", "ich", "if", "ihm", "ihn", "ihnen", "ihr", "ihre",
    "ihrem", "ihren", "ihrer", "il", "ils", "im", "in", "into", "is", "ist", "it", "its", "itself", "ja",
    "je", "jede", "jeden", "jeder", "jedes", "just", "kann", "kein", "keine", "konnte", "können", "la", "las",
    "le", "les", "leur", "leurs", "like", "lo", "lors", "los", "lui", "made", "mais", "make", "man", "many",
    "may", "me", "mehr", "mein", "mi", "mientras", "might", "mit", "more", "most", "much", "mucho", "muss",
    "must", "muy", "my", "más", "même", "nach", "ne", "ni", "nicht", "no", "noch", "nor", "nos", "nosotros",
    "not", "notre", "nous", "now", "nun", "nur", "ob", "oder", "of", "off", "ohne", "on", "once", "one",
    "only", "ont", "or", "other", "otra", "otro", "ou", "our", "out", "over", "own", "où", "par", "para",
    "pas", "pero", "peut", "plus", "poco", "por", "porque", "pour", "puede", "qu", "quand", "que", "qui",
    "quien", "sa", "said", "same", "sans", "schon", "se", "sea", "según", "sehr", "sein", "seine", "seinem",
    "seinen", "seiner", "seit", "ser", "ses", "she", "should", "si", "sich", "sido", "sie", "sin", "sind",
    "so", "sobre", "soll", "some", "son", "sondern", "sont", "sous", "sowie", "su", "such", "sur", "sus",
    "también", "tan", "tanto", "te", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "those", "through", "tiene", "to", "todo", "todos", "too", "tous", "tout", "toute", "tras",
    "très", "tu", "two", "um", "un", "una", "unas", "und", "under", "une", "uno", "unos", "uns", "unter",
    "until", "up", "upon", "us", "very", "viele", "vom", "von", "vor", "vous", "wann", "war", "waren", "was",
    "we", "weil", "wenn", "wer", "werden", "were", "what", "when", "where", "which", "while", "who", "whom",
    "why", "wie", "wieder", "will", "wir", "wird", "with", "wo", "would", "wurde", "wurden", "ya", "yo",
    "you", "your", "zu", "zum", "zur", "zwei", "zwischen", "étaient", "était", "été", "être", "über",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_words_are_sorted() {
        assert!(STOP_WORDS.is_sorted());
        assert!(is_stop_word("the") && is_stop_word("über") && !is_stop_word("river"));
    }

    #[test]
    fn chinese_yields_pairs() {
        let mut words = Vec::new();
        each_word("黄河流域, the River", |word| words.push(word.to_owned()));
        assert_eq!(words, ["黄河", "河流", "流域", "river"]);
    }
}
