use crate::sentence::Sentence;
use crate::word::Words;

/// The factor on a word's weight once a chosen sentence contains it, so that a summary does not repeat itself.
const SAID: f64 = 0.2;
/// The least length that a sentence counts as, so that a short one with one frequent word does not win.
const FULL_LENGTH: usize = 8;
/// The factor for the first sentence of the text, which often states the topic.
const OPENING: f64 = 1.25;
/// The factor for the first sentence of a paragraph.
const PARAGRAPH: f64 = 1.1;
/// The factor for headings and table cells, which are full of topic words but are not sentences.
const INCOMPLETE: f64 = 0.3;

/// Chooses the `wanted` best sentences and returns their numbers in order. The time is proportional to `wanted` times
/// the length of the text.
pub(crate) fn choose(sentences: &[Sentence<'_>], words: &Words, wanted: usize) -> Vec<usize> {
    let mut weight = words.weight.clone();
    let places = places(sentences);
    let mut chosen = Vec::with_capacity(wanted);
    let mut left: Vec<usize> = (0..sentences.len()).collect();
    while chosen.len() < wanted {
        let score = |at: usize| places[at] * worth(&words.of[at], &weight);
        let Some(slot) = best(&left, score) else { break };
        let at = left.remove(slot);
        for word in &words.of[at] {
            weight[*word] *= SAID;
        }
        chosen.push(at);
    }
    chosen.sort_unstable();
    chosen
}

fn places(sentences: &[Sentence<'_>]) -> Vec<f64> {
    let mut before = None;
    let place = |(at, sentence): (usize, &Sentence<'_>)| {
        let opens_paragraph = before.replace(sentence.paragraph) != Some(sentence.paragraph);
        let place = if at == 0 {
            OPENING
        } else if opens_paragraph {
            PARAGRAPH
        } else {
            1.0
        };
        place * if sentence.complete { 1.0 } else { INCOMPLETE }
    };
    sentences.iter().enumerate().map(place).collect()
}

fn worth(words: &[usize], weight: &[f64]) -> f64 {
    let length = u32::try_from(words.len().max(FULL_LENGTH)).unwrap_or(u32::MAX);
    words.iter().map(|word| weight[*word]).sum::<f64>() / f64::from(length)
}

/// Returns the first of the best.
fn best(left: &[usize], score: impl Fn(usize) -> f64) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (slot, at) in left.iter().enumerate() {
        let score = score(*at);
        if best.is_none_or(|(_, most)| score > most) {
            best = Some((slot, score));
        }
    }
    best.map(|(slot, _)| slot)
}
