//! The planner that needs no model: it matches the words of a goal with those of the cards, and gives each step what
//! earlier ones made of it, by the names and types of fields.

mod choose;
mod field;
mod fill;
mod goal_words;
mod lexicon;
mod word;

use coworker_policy::{Card, SkillName, Text};

use self::choose::{Choice, choose};
use self::fill::{Asked, Made, fill};
use self::goal_words::GoalWords;
use self::word::Key;
use crate::check::order::is_reserved;
use crate::goal::{Because, Goal, NoPlan, Planned, Planner};
use crate::plan::{KeyResult, Plan, Step};
use crate::shown::{Showing, Shown};

/// Makes a plan from the words of the goal and of what was shown. The same words make the same plan.
pub fn plan_from_words(goal: &Goal, shown: &Shown) -> Result<Planned, NoPlan> {
    if shown.iter().all(|showing| showing.cards.is_empty()) {
        return Err(NoPlan::NothingShown);
    }
    let words = GoalWords::read(goal, shown);
    let choices = choose(&words, shown);
    if choices.is_empty() {
        return Err(NoPlan::NothingMatches { skills: skills(shown) });
    }
    let mut draft = Draft { words: &words, plan: empty(goal), because: Vec::new(), made: Vec::new() };
    draft.add_all(&choices)?;
    let Draft { plan, because, .. } = draft;
    let checked = plan.check(&goal.input, shown).map_err(NoPlan::Unfit)?;
    Ok(Planned { checked, by: Planner::Words, because, unmatched: unmatched(&words, &choices) })
}

/// All skills that are shown; those that the words of the goal fit best first.
pub(crate) fn by_relevance<'s>(goal: &Goal, shown: &'s Shown) -> Vec<(&'s Showing, &'s Card)> {
    choose::by_score(&GoalWords::read(goal, shown), shown)
}

fn empty(goal: &Goal) -> Plan {
    Plan { objective: goal.text.clone(), key_results: Vec::new(), steps: Vec::new() }
}

/// What there is to be named, as a hint.
fn skills(shown: &Shown) -> Vec<String> {
    const SAID: usize = 12;
    let all = shown
        .iter()
        .flat_map(|showing| showing.cards.iter().map(move |card| format!("{}/{}", showing.name, card.name)));
    all.take(SAID).collect()
}

/// Words for things to do that no step stands for.
fn unmatched(words: &GoalWords<'_>, choices: &[Choice<'_>]) -> Vec<String> {
    let text = words.goal.text.as_str();
    let concepts = words.words.iter().filter(|word| matches!(word.key, Some(Key::Concept(_))));
    let left = concepts.map(|word| text[word.at..word.end].to_owned());
    let mut left: Vec<_> =
        left.filter(|word| !choices.iter().any(|choice| choice.words.contains(word))).collect();
    left.dedup();
    left
}

struct Draft<'p, 's> {
    words: &'p GoalWords<'p>,
    plan: Plan,
    because: Vec<Because>,
    made: Vec<Made<'s>>,
}

impl<'s> Draft<'_, 's> {
    /// In the order of the goal; a step that needs what a later one makes comes after it.
    fn add_all(&mut self, choices: &[Choice<'s>]) -> Result<(), NoPlan> {
        let mut waiting: Vec<(usize, &Choice<'s>)> = choices.iter().enumerate().collect();
        while !waiting.is_empty() {
            let mut lacking = None;
            let next = waiting.iter().position(|(at, choice)| match self.add(choice, choices.get(at + 1)) {
                Ok(()) => true,
                Err(field) => {
                    lacking.get_or_insert((choice.card.name.to_string(), field, *at));
                    false
                }
            });
            match (next, lacking) {
                (Some(next), _) => drop(waiting.remove(next)),
                (None, Some((skill, field, at))) => {
                    // What was chosen for a few words of its description only may have been meant by nobody.
                    let unsure = waiting.iter().position(|(_, choice)| !choice.sure);
                    match unsure.filter(|_| waiting.len() < choices.len() || choices.len() > 1) {
                        Some(unsure) => drop(waiting.remove(unsure)),
                        None if self.plan.steps.is_empty() || choices[at].sure => {
                            return Err(NoPlan::NoInput { skill, field });
                        }
                        None => return Ok(()),
                    }
                }
                (None, None) => return Ok(()),
            }
        }
        Ok(())
    }

    fn add(&mut self, choice: &Choice<'s>, next: Option<&Choice<'s>>) -> Result<(), String> {
        let languages = self.languages(choice, next);
        let mut steps = Vec::new();
        for language in languages {
            let asked = Asked { goal: self.words, at: choice.at, language };
            steps.push((language, fill(&asked, choice.card, &self.made)?));
        }
        let key_result = self.key_result(choice);
        let several = steps.len() > 1;
        for (language, input) in steps {
            let id = self.id(&choice.card.name, language.filter(|_| several));
            self.because.push(Because { step: id.clone(), words: choice.words.clone() });
            self.made.push(Made { id: id.clone(), card: choice.card });
            self.plan.steps.push(Step {
                id,
                key_result: key_result.clone(),
                agent: choice.showing.agent,
                skill: choice.card.name.clone(),
                version: None,
                input,
                after: Vec::new(),
                text: Text::sanitized(&format!("for {}", quoted(&choice.words))),
            });
        }
        Ok(())
    }

    /// One step for each language that its output is wanted in; `None` for one step that is not about languages.
    fn languages(&self, choice: &Choice<'_>, next: Option<&Choice<'_>>) -> Vec<Option<&'static str>> {
        let takes =
            field::fields(&choice.card.input_schema).iter().any(|field| field.language() == Some(true));
        let until = next.map_or(usize::MAX, |next| next.at);
        let targets = self.words.languages.iter().filter(|language| language.target);
        let own = |language: &&goal_words::Language| language.at > choice.at && language.at < until;
        let mut codes: Vec<_> = targets.filter(own).map(|language| Some(language.code)).collect();
        codes.dedup();
        let room = Plan::STEPS / Plan::KEY_RESULTS;
        codes.truncate(room);
        if codes.is_empty() || !takes { vec![None] } else { codes }
    }

    fn key_result(&mut self, choice: &Choice<'_>) -> SkillName {
        let id = numbered("kr", self.plan.key_results.len() + 1).unwrap_or_else(|| choice.card.name.clone());
        let text = Text::sanitized(&about(choice));
        self.plan.key_results.push(KeyResult { id: id.clone(), text });
        id
    }

    /// The name of the skill, with something behind it if it is taken.
    fn id(&self, skill: &SkillName, language: Option<&str>) -> SkillName {
        let is_free = |id: &SkillName| !is_reserved(id) && !self.plan.steps.iter().any(|step| step.id == *id);
        let short: String = skill.as_str().chars().take(56).collect();
        let named = language.and_then(|code| format!("{short}-{code}").parse().ok());
        let numbers = (2..=Plan::STEPS + 2).filter_map(|n| numbered(&format!("{short}-"), n));
        let mut all = named.into_iter().chain(language.is_none().then(|| skill.clone())).chain(numbers);
        all.find(is_free).unwrap_or_else(|| skill.clone())
    }
}

fn numbered(name: &str, number: usize) -> Option<SkillName> {
    format!("{name}{number}").parse().ok()
}

fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("“{word}”")).collect::<Vec<_>>().join(", ")
}

/// What a skill does, in its own words: those of the agent that will see them.
fn about(choice: &Choice<'_>) -> String {
    const MAX: usize = 160;
    let description = choice.card.description.as_str();
    let end = description.find(['\n', '。']).or_else(|| description.find(". ")).unwrap_or(description.len());
    let first: String = description[..end].chars().take(MAX).collect();
    let first = first.trim().trim_end_matches('.');
    if first.is_empty() { choice.card.name.to_string() } else { format!("{}: {first}", choice.card.name) }
}
