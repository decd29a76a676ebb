//! Finds a source for each field of a step's input.

use coworker_policy::{Card, SkillName};
use serde_json::Value;

use super::field::{Field, fields, is_content_name, output_fields, takes_object};
use super::goal_words::GoalWords;
use super::lexicon::LANGUAGES;
use super::word::{Key, folded, keys_of_name, words};
use crate::check::place::Types;
use crate::pointer::Pointer;
use crate::reference::{Reference, Source};
use crate::template::Template;

/// A step that the plan already has.
pub(super) struct EarlierStep<'s> {
    pub(super) id: SkillName,
    pub(super) card: &'s Card,
}

/// The part of the goal that asks for one step.
pub(super) struct StepRequest<'g> {
    pub(super) goal: &'g GoalWords<'g>,
    /// The place of the words that ask for the step, in bytes of the goal.
    pub(super) at: usize,
    /// The language in which the output is wanted.
    pub(super) language: Option<&'static str>,
}

/// Makes the input of a step that runs `card` after `earlier`. Returns the name of the first required field without a
/// source as the error.
pub(super) fn fill(
    request: &StepRequest<'_>,
    card: &Card,
    earlier: &[EarlierStep<'_>],
) -> Result<Template, String> {
    let fields = fields(&card.input_schema);
    if fields.is_empty() {
        return request.without_fields(card, earlier);
    }
    let mut filled = Vec::new();
    let mut fed = false;
    for field in fields.iter().filter(|field| field.required) {
        let value = request.value(field, earlier).or_else(|| request.only(field, &fields, earlier));
        let value = value.ok_or_else(|| field.name.clone())?;
        fed |= !value.references().is_empty() || field.is_content() || field.is_question();
        filled.push((field.name.clone(), value));
    }
    for field in fields.iter().filter(|field| !field.required) {
        // A step works on one text; optional text fields stay empty once one is filled.
        let feeds = field.is_content() || field.is_question();
        let value = if feeds && !fed { request.value(field, earlier) } else { request.setting(field) };
        fed |= feeds && value.is_some();
        filled.extend(value.map(|value| (field.name.clone(), value)));
    }
    Ok(Template::object(filled))
}

impl StepRequest<'_> {
    fn value(&self, field: &Field<'_>, earlier: &[EarlierStep<'_>]) -> Option<Template> {
        if field.is_content() || field.is_question() {
            let output = self.earlier_output(field, earlier);
            return output.or_else(|| self.of_goal(field)).or_else(|| self.of_text(field));
        }
        self.setting(field).or_else(|| self.earlier_output(field, earlier)).or_else(|| self.related(field))
    }

    /// Fills a field that is the only text that the skill needs, even if its name means nothing.
    fn only(&self, field: &Field<'_>, all: &[Field<'_>], earlier: &[EarlierStep<'_>]) -> Option<Template> {
        let mut texts =
            all.iter().filter(|field| field.required && field.is_text() && field.language().is_none());
        let only = texts.next().is_some_and(|first| first.name == field.name) && texts.next().is_none();
        if !only {
            return None;
        }
        let output = self.last(earlier, |output| u32::from(output.is_content()));
        output.or_else(|| self.of_goal(field)).or_else(|| self.quoted())
    }

    /// Finds the last step with an output that fits, and takes its best output.
    fn earlier_output(&self, field: &Field<'_>, earlier: &[EarlierStep<'_>]) -> Option<Template> {
        if self.goal.apart && field.is_content() {
            return None;
        }
        self.last(earlier, |output| output.fitness(field, false)).or_else(|| {
            let texts = |step: &EarlierStep<'_>| {
                output_fields(step.card).iter().filter(|output| output.is_text()).count()
            };
            let with_one_text: Vec<_> = earlier.iter().filter(|step| texts(step) == 1).collect();
            last(with_one_text.into_iter(), |output| output.fitness(field, true))
        })
    }

    fn last(&self, earlier: &[EarlierStep<'_>], fitness: impl Fn(&Field<'_>) -> u32) -> Option<Template> {
        if self.goal.apart { None } else { last(earlier.iter(), fitness) }
    }

    /// Finds an option of the skill in the goal: a language, a choice or a number.
    fn setting(&self, field: &Field<'_>) -> Option<Template> {
        if let Some(target) = field.language() {
            let literal = self.language(target).and_then(|code| language_for(field, code));
            return literal.map(Template::literal).or_else(|| self.same_name(field));
        }
        let choice = field.values().and_then(|values| self.choice(&values));
        let number = || field.is_whole_number().then(|| self.goal.number(&field.keys)).flatten();
        choice.or_else(number).map(Template::literal).or_else(|| self.same_name(field))
    }

    fn language(&self, target: bool) -> Option<&'static str> {
        if target && self.language.is_some() {
            return self.language;
        }
        self.goal.languages.iter().find(|language| language.target == target).map(|language| language.code)
    }

    /// Takes the only allowed value, or the one that the goal names.
    fn choice(&self, values: &[&Value]) -> Option<Value> {
        if let [only] = values {
            return Some((*only).clone());
        }
        let named = |value: &&&Value| {
            let text = value.as_str().map(folded);
            text.is_some_and(|text| {
                self.goal.words.iter().any(|word| word.key.is_some() && word.text == text)
            })
        };
        values.iter().find(named).map(|value| (*value).clone())
    }

    fn same_name(&self, field: &Field<'_>) -> Option<Template> {
        let value = self.goal.goal.input.as_object()?.get(&field.name)?;
        let fits = field.types.has(Types::of(value));
        fits.then(|| from_goal(field.at.clone()))
    }

    fn of_goal(&self, field: &Field<'_>) -> Option<Template> {
        let input = &self.goal.goal.input;
        if input.is_string() {
            return Some(from_goal(Pointer::default()));
        }
        self.same_name(field).or_else(|| {
            let texts = input.as_object()?.iter().filter(|(_, value)| value.is_string());
            let texts: Vec<_> = texts.map(|(name, _)| name).collect();
            let content = texts.iter().find(|name| is_content_name(name));
            let only = if texts.len() == 1 { texts.first() } else { None };
            content.or(only).and_then(|name| Pointer::field(name)).map(from_goal)
        })
    }

    /// Finds a field of the goal's input whose name has the same meaning.
    fn related(&self, field: &Field<'_>) -> Option<Template> {
        let mut fields = self.goal.goal.input.as_object()?.iter();
        let related = |name: &str| keys_of_name(name).iter().any(|key| field.keys.contains(key));
        let found = fields.find(|(name, value)| field.types.has(Types::of(value)) && related(name));
        found.and_then(|(name, _)| Pointer::field(name)).map(from_goal)
    }

    /// Takes the text that the goal quotes; for a question, also the topic that the goal names.
    fn of_text(&self, field: &Field<'_>) -> Option<Template> {
        let topic = || field.is_question().then(|| self.goal.topic(self.at));
        self.quoted().or_else(|| topic().map(|topic| Template::literal(topic.into())))
    }

    fn quoted(&self) -> Option<Template> {
        self.goal.quoted.map(|quoted| Template::literal(quoted.into()))
    }

    /// Makes the input for a skill that names no fields.
    fn without_fields(&self, card: &Card, earlier: &[EarlierStep<'_>]) -> Result<Template, String> {
        let input = &self.goal.goal.input;
        let object = takes_object(&card.input_schema);
        let output = || self.last(earlier, |output| u32::from(output.is_content()));
        if !object && let Some(output) = output() {
            return Ok(output);
        }
        match (object, input) {
            (true, Value::Object(_)) => Ok(from_goal(Pointer::default())),
            (true, _) => Ok(Template::literal(Value::Object(serde_json::Map::new()))),
            (false, Value::Null) => self.quoted().ok_or_else(|| "input".to_owned()),
            (false, _) => Ok(from_goal(Pointer::default())),
        }
    }
}

fn last<'m, 's: 'm>(
    steps: impl DoubleEndedIterator<Item = &'m EarlierStep<'s>>,
    fitness: impl Fn(&Field<'_>) -> u32,
) -> Option<Template> {
    steps.rev().find_map(|step| {
        let outputs = output_fields(step.card);
        // `max_by_key` takes the last of equals; reversed, that is the first.
        let best =
            outputs.iter().rev().max_by_key(|output| fitness(output)).filter(|output| fitness(output) > 0)?;
        let from = Source::Step(step.id.clone());
        Some(Template::from(Reference { from, at: best.at.clone() }))
    })
}

fn from_goal(at: Pointer) -> Template {
    Template::from(Reference { from: Source::Goal, at })
}

/// Writes a language as the field expects it: one of its values, a code, or a name.
fn language_for(field: &Field<'_>, code: &'static str) -> Option<Value> {
    let (_, name, _) = LANGUAGES.iter().find(|(known, ..)| *known == code)?;
    if let Some(values) = field.values() {
        let means = |value: &&&Value| value.as_str().is_some_and(|text| is_language(text, code));
        return values.iter().find(means).map(|value| (*value).clone());
    }
    let schema = field.place.schema.to_string().to_lowercase();
    let coded = ["code", "iso", "bcp", "pattern", "maxlength", "\"de\"", "\"en\"", "`de`", "`en`", "`fr`"];
    let coded = coded.iter().any(|word| schema.contains(word));
    Some(if coded { code } else { *name }.into())
}

fn is_language(text: &str, code: &'static str) -> bool {
    let text = folded(text);
    let known = words(&text);
    let named = matches!(known.first().and_then(|word| word.key.clone()), Some(Key::Language(found)) if found == code);
    named || text == code || text.strip_prefix(code).is_some_and(|rest| rest.starts_with(['-', '_']))
}
