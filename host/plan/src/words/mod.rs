//! The planner that needs no model. It matches the words of a goal with those of the cards, and connects the outputs of
//! steps with the inputs of later steps by the names and types of their fields.

mod choose;
mod field;
mod fill;
mod goal_words;
mod lexicon;
mod word;

use coworker_policy::{Card, SkillName, Text};

use self::choose::{Choice, choose};
use self::fill::{EarlierStep, StepRequest, fill};
use self::goal_words::GoalWords;
use self::word::Key;
use crate::goal::{Because, Goal, NoPlan, Planned, Planner};
use crate::order::is_reserved;
use crate::plan::{KeyResult, Plan, Step};
use crate::visible::{AgentSkills, VisibleSkills};

/// Makes a plan from the words of the goal and of the visible cards. The same words always make the same plan.
pub fn plan_from_words(goal: &Goal, visible: &VisibleSkills) -> Result<Planned, NoPlan> {
    if visible.is_empty() {
        return Err(NoPlan::NothingShown);
    }
    let words = GoalWords::read(goal, visible);
    let choices = choose(&words, visible);
    if choices.is_empty() {
        return Err(NoPlan::NothingMatches { skills: skills(visible) });
    }
    let mut builder =
        PlanBuilder { words: &words, plan: empty(goal), because: Vec::new(), earlier: Vec::new() };
    builder.add_all(&choices)?;
    let PlanBuilder { plan, because, .. } = builder;
    let checked = plan.check(&goal.input, visible).map_err(NoPlan::Unfit)?;
    Ok(Planned { checked, by: Planner::Words, because, unmatched: unmatched(&words, &choices) })
}

/// Returns all visible skills. Those that match the words of the goal best come first.
pub(crate) fn by_relevance<'s>(goal: &Goal, visible: &'s VisibleSkills) -> Vec<(&'s AgentSkills, &'s Card)> {
    choose::by_score(&GoalWords::read(goal, visible), visible)
}

fn empty(goal: &Goal) -> Plan {
    Plan { objective: goal.text.clone(), key_results: Vec::new(), steps: Vec::new() }
}

/// Lists skills as `agent/skill`, for a hint.
fn skills(visible: &VisibleSkills) -> Vec<String> {
    const LISTED: usize = 12;
    let all = visible
        .iter()
        .flat_map(|agent| agent.cards.iter().map(move |card| format!("{}/{}", agent.name, card.name)));
    all.take(LISTED).collect()
}

/// Returns the words for work that no step does.
fn unmatched(words: &GoalWords<'_>, choices: &[Choice<'_>]) -> Vec<String> {
    let text = words.goal.text.as_str();
    let concepts = words.words.iter().filter(|word| matches!(word.key, Some(Key::Concept(_))));
    let left = concepts.map(|word| text[word.at..word.end].to_owned());
    let mut left: Vec<_> =
        left.filter(|word| !choices.iter().any(|choice| choice.words.contains(word))).collect();
    left.dedup();
    left
}

struct PlanBuilder<'p, 's> {
    words: &'p GoalWords<'p>,
    plan: Plan,
    because: Vec<Because>,
    earlier: Vec<EarlierStep<'s>>,
}

impl<'s> PlanBuilder<'_, 's> {
    /// Adds steps in the order of the goal. A step that needs the output of a later one comes after it.
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
                    // A skill that matched only by its description may be a false match, so it is dropped first.
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
            let request = StepRequest { goal: self.words, at: choice.at, language };
            steps.push((language, fill(&request, choice.card, &self.earlier)?));
        }
        let key_result = self.key_result(choice);
        let several = steps.len() > 1;
        for (language, input) in steps {
            let id = self.id(&choice.card.name, language.filter(|_| several));
            self.because.push(Because { step: id.clone(), words: choice.words.clone() });
            self.earlier.push(EarlierStep { id: id.clone(), card: choice.card });
            self.plan.steps.push(Step {
                id,
                key_result: key_result.clone(),
                agent: choice.agent.agent,
                skill: choice.card.name.clone(),
                version: None,
                input,
                after: Vec::new(),
                text: Text::sanitized(&format!("for {}", quoted(&choice.words))),
            });
        }
        Ok(())
    }

    /// Returns the target languages, one for each step. `None` stands for one step without a language.
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
        let text = Text::sanitized(&describe(choice));
        self.plan.key_results.push(KeyResult { id: id.clone(), text });
        id
    }

    /// Names a step after its skill, with a suffix if the name is taken.
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

/// Describes a key result by the skill's own description. The agent that sees it wrote it.
fn describe(choice: &Choice<'_>) -> String {
    const MAX: usize = 160;
    let description = choice.card.description.as_str();
    let end = description.find(['\n', '。']).or_else(|| description.find(". ")).unwrap_or(description.len());
    let first: String = description[..end].chars().take(MAX).collect();
    let first = first.trim().trim_end_matches('.');
    if first.is_empty() { choice.card.name.to_string() } else { format!("{}: {first}", choice.card.name) }
}
