//! Chooses the skills that the words of a goal ask for.

use std::collections::{BTreeMap, BTreeSet};

use coworker_policy::Card;

use super::goal_words::GoalWords;
use super::lexicon::{NOT, means};
use super::word::{Key, keys_of_name, words};
use crate::plan::Plan;
use crate::visible::{AgentSkills, VisibleSkills};

/// A skill that some words of the goal ask for.
pub(super) struct Choice<'s> {
    pub(super) agent: &'s AgentSkills,
    pub(super) card: &'s Card,
    /// The place of the first word that asks for it, in bytes of the goal.
    pub(super) at: usize,
    /// The words as they stand in the goal.
    pub(super) words: Vec<String>,
    /// The words match its name.
    pub(super) sure: bool,
}

/// The weight of a word in the name of a skill.
const NAMED: f32 = 6.0;
/// The weight of a concept in the texts of a skill whose name has no known meaning.
const MEANT: f32 = 3.5;
/// The weight of a concept in the texts of a skill whose name means something else.
const MENTIONED: f32 = 0.5;
const IN_CATEGORY: f32 = 1.5;
/// The weight of any other word in its texts.
const IN_TEXT: f32 = 1.2;
/// A lower score counts as chance.
const ENOUGH: f32 = 3.0;
/// The penalty for a word in the name that is not in the goal: the skill is more special than the goal.
const SPECIAL: f32 = 0.5;
/// The bonus if the goal names the agent, in the same clause or elsewhere.
const NAMED_HERE: f32 = 4.0;
const NAMED_ELSEWHERE: f32 = 2.0;

struct Candidate<'s> {
    agent: &'s AgentSkills,
    card: &'s Card,
    name: Vec<Key>,
    weights: BTreeMap<Key, f32>,
}

/// Counts each word for the skill that it fits best and drops skills without words. Returns the skills in the order in
/// which the goal asks for them.
pub(super) fn choose<'s>(goal: &GoalWords<'_>, visible: &'s VisibleSkills) -> Vec<Choice<'s>> {
    let candidates = candidates(visible);
    let mut left: BTreeSet<&Key> = goal.words.iter().filter_map(|word| word.key.as_ref()).collect();
    let all = left.clone();
    let mut choices = Vec::new();
    while choices.len() < Plan::KEY_RESULTS {
        let scored =
            candidates.iter().filter_map(|candidate| Some((candidate.score(goal, &left, &all)?, candidate)));
        // The first of equal scores wins.
        let best = scored.fold(None, |best: Option<(f32, &Candidate<'s>)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        });
        let Some((_, candidate)) = best else { break };
        choices.push(candidate.choice(goal, &left));
        left.retain(|key| candidate.weights.get(*key).is_none_or(|weight| *weight <= MENTIONED));
    }
    choices.sort_by_key(|choice| choice.at);
    in_order(goal, choices)
}

/// Returns all skills, the best first. Equal scores keep the order of `visible`.
pub(super) fn by_score<'s>(
    goal: &GoalWords<'_>,
    visible: &'s VisibleSkills,
) -> Vec<(&'s AgentSkills, &'s Card)> {
    let all: BTreeSet<&Key> = goal.words.iter().filter_map(|word| word.key.as_ref()).collect();
    let mut scored: Vec<_> = candidates(visible)
        .into_iter()
        .map(|candidate| (candidate.score(goal, &all, &all).unwrap_or_default(), candidate))
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().map(|(_, candidate)| (candidate.agent, candidate.card)).collect()
}

fn candidates(visible: &VisibleSkills) -> Vec<Candidate<'_>> {
    let cards = visible.iter().flat_map(|agent| agent.cards.iter().map(move |card| (agent, card)));
    cards.map(|(agent, card)| Candidate::new(agent, card)).collect()
}

impl<'s> Candidate<'s> {
    fn new(agent: &'s AgentSkills, card: &'s Card) -> Self {
        let name = keys_of_name(card.name.as_str());
        let means_something = name.iter().any(|key| matches!(key, Key::Concept(_)));
        let mut weights = BTreeMap::new();
        let mut weigh = |key: Key, weight: f32| {
            let known = weights.entry(key).or_insert(0.0_f32);
            *known = known.max(weight);
        };
        for text in [&card.description, &card.when_to_use] {
            for key in affirmed(text.as_str()) {
                let weight = match key {
                    Key::Concept(_) if means_something => MENTIONED,
                    Key::Concept(_) => MEANT,
                    Key::Language(_) => MENTIONED,
                    Key::Stem(_) => IN_TEXT,
                };
                weigh(key, weight);
            }
        }
        let category = affirmed(card.category.as_str()).into_iter().map(|key| (key, IN_CATEGORY));
        for (key, weight) in category.chain(name.iter().map(|key| (key.clone(), NAMED))) {
            weigh(key, weight);
        }
        Self { agent, card, name, weights }
    }

    /// Scores the skill against the words that are left; `None` if the score is too low.
    fn score(&self, goal: &GoalWords<'_>, left: &BTreeSet<&Key>, all: &BTreeSet<&Key>) -> Option<f32> {
        let score: f32 = left.iter().filter_map(|key| self.weights.get(*key)).sum();
        if score < ENOUGH {
            return None;
        }
        let special = self.name.iter().filter(|key| !all.contains(key)).map(|_| SPECIAL).sum::<f32>();
        let parts: BTreeSet<_> = self.hits(goal, left).map(|word| word.clause).collect();
        let named: Vec<_> = goal.named.iter().filter(|(agent, _)| *agent == self.agent.agent).collect();
        let preferred = match named.as_slice() {
            [] => 0.0,
            named if named.iter().any(|(_, part)| parts.contains(part)) => NAMED_HERE,
            _ => NAMED_ELSEWHERE,
        };
        Some(score - special + preferred)
    }

    fn hits<'w>(
        &'w self,
        goal: &'w GoalWords<'_>,
        left: &'w BTreeSet<&Key>,
    ) -> impl Iterator<Item = &'w super::word::Word> {
        goal.words.iter().filter(|word| {
            let weight =
                word.key.as_ref().filter(|key| left.contains(key)).and_then(|key| self.weights.get(key));
            weight.is_some_and(|weight| *weight > MENTIONED)
        })
    }

    fn choice(&self, goal: &GoalWords<'_>, left: &BTreeSet<&Key>) -> Choice<'s> {
        let weight = |key: &Option<Key>| key.as_ref().and_then(|key| self.weights.get(key)).copied();
        let strong = |word: &&super::word::Word| weight(&word.key).is_some_and(|weight| weight >= MEANT);
        let hits: Vec<_> = self.hits(goal, left).collect();
        let first = hits.iter().copied().find(strong).or(hits.first().copied());
        let text = goal.goal.text.as_str();
        let mut words: Vec<_> = hits.iter().map(|word| text[word.at..word.end].to_owned()).collect();
        words.dedup();
        let sure = hits.iter().any(|word| word.key.as_ref().is_some_and(|key| self.name.contains(key)));
        Choice { agent: self.agent, card: self.card, at: first.map_or(0, |word| word.at), words, sure }
    }
}

/// Returns the keys of a text, without the words that it negates.
fn affirmed(text: &str) -> Vec<Key> {
    /// The number of words that a negation reaches.
    const REACH: usize = 3;
    let (mut keys, mut denied) = (Vec::new(), 0_usize);
    for word in words(text) {
        if means(NOT, &word.text) {
            denied = REACH;
        } else if denied > 0 {
            denied -= 1;
        } else {
            keys.extend(word.key);
        }
    }
    keys
}

/// Swaps skills for `redact after translating` and `before translating, redact`.
fn in_order<'s>(goal: &GoalWords<'_>, mut choices: Vec<Choice<'s>>) -> Vec<Choice<'s>> {
    for word in &goal.words {
        let next = choices.iter().position(|choice| choice.at > word.at);
        match (word.text.as_str(), next) {
            ("after" | "once" | "nachdem" | "nach", Some(next)) if next > 0 => {
                // German `nach` before a language means `into`.
                let until = choices[next].at;
                let into = goal.languages.iter().any(|language| (word.at..until).contains(&language.at));
                if !into && choices[next - 1].at < word.at {
                    choices.swap(next - 1, next);
                }
            }
            ("before" | "bevor", Some(0)) if choices.len() > 1 => choices.swap(0, 1),
            _ => {}
        }
    }
    choices
}
