//! Where the fields of a step's input come from.

use coworker_policy::{Card, SkillName};
use serde_json::Value;

use super::field::{Field, fields, given, takes_object};
use super::goal_words::GoalWords;
use super::lexicon::LANGUAGES;
use super::word::{Key, folded};
use crate::check::place::Types;
use crate::pointer::Pointer;
use crate::reference::{Reference, Source};
use crate::template::Template;

/// A step that is in the plan already.
pub(super) struct Made<'s> {
    pub(super) id: SkillName,
    pub(super) card: &'s Card,
}

/// What one step is asked to do.
pub(super) struct Asked<'g> {
    pub(super) goal: &'g GoalWords<'g>,
    /// Where in the goal.
    pub(super) at: usize,
    /// The language that its output is to be in.
    pub(super) language: Option<&'static str>,
}

/// The input of a step that runs `card` after `made`, or the field that nothing is known for.
pub(super) fn fill(asked: &Asked<'_>, card: &Card, made: &[Made<'_>]) -> Result<Template, String> {
    let fields = fields(&card.input_schema);
    if fields.is_empty() {
        return asked.without_fields(card, made);
    }
    let mut filled = Vec::new();
    let mut fed = false;
    for field in fields.iter().filter(|field| field.required) {
        let value = asked.value(field, made).or_else(|| asked.only(field, &fields, made));
        let value = value.ok_or_else(|| field.name.clone())?;
        fed |= !value.references().is_empty() || field.is_content() || field.is_question();
        filled.push((field.name.clone(), value));
    }
    for field in fields.iter().filter(|field| !field.required) {
        // One text is enough to work on.
        let feeds = field.is_content() || field.is_question();
        let value = if feeds && !fed { asked.value(field, made) } else { asked.setting(field) };
        fed |= feeds && value.is_some();
        filled.extend(value.map(|value| (field.name.clone(), value)));
    }
    Ok(Template::object(filled))
}

impl Asked<'_> {
    fn value(&self, field: &Field<'_>, made: &[Made<'_>]) -> Option<Template> {
        if field.is_content() || field.is_question() {
            let earlier = self.earlier(field, made);
            return earlier.or_else(|| self.of_goal(field)).or_else(|| self.of_text(field));
        }
        self.setting(field).or_else(|| self.earlier(field, made)).or_else(|| self.related(field))
    }

    /// A field that is the only text that the skill needs, whatever its name.
    fn only(&self, field: &Field<'_>, all: &[Field<'_>], made: &[Made<'_>]) -> Option<Template> {
        let mut texts =
            all.iter().filter(|field| field.required && field.is_text() && field.language().is_none());
        let only = texts.next().is_some_and(|first| first.name == field.name) && texts.next().is_none();
        if !only {
            return None;
        }
        let earlier = self.last(made, |given| u32::from(given.is_content()));
        earlier.or_else(|| self.of_goal(field)).or_else(|| self.quoted())
    }

    /// The output that fits best of the last step that has one which fits.
    fn earlier(&self, field: &Field<'_>, made: &[Made<'_>]) -> Option<Template> {
        if self.goal.apart && field.is_content() {
            return None;
        }
        self.last(made, |given| given.fitness(field, false)).or_else(|| {
            let only = |made: &Made<'_>| given(made.card).iter().filter(|given| given.is_text()).count() == 1;
            let made: Vec<_> = made.iter().filter(|made| only(made)).collect();
            last(made.into_iter(), |given| given.fitness(field, true))
        })
    }

    fn last(&self, made: &[Made<'_>], fitness: impl Fn(&Field<'_>) -> u32) -> Option<Template> {
        if self.goal.apart { None } else { last(made.iter(), fitness) }
    }

    /// What the goal says of how a thing is to be done.
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

    /// The only value there is, or the one that the goal names.
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
            let content = texts.iter().find(|name| super::field::is_content_name(name));
            let only = if texts.len() == 1 { texts.first() } else { None };
            content.or(only).and_then(|name| Pointer::field(name)).map(from_goal)
        })
    }

    /// A field of the goal's input that means the same.
    fn related(&self, field: &Field<'_>) -> Option<Template> {
        let mut fields = self.goal.goal.input.as_object()?.iter();
        let related = |name: &str| super::word::keys_of_name(name).iter().any(|key| field.keys.contains(key));
        let found = fields.find(|(name, value)| field.types.has(Types::of(value)) && related(name));
        found.and_then(|(name, _)| Pointer::field(name)).map(from_goal)
    }

    /// What the goal quotes; for a question, what it is about.
    fn of_text(&self, field: &Field<'_>) -> Option<Template> {
        let about = || field.is_question().then(|| self.goal.about(self.at));
        self.quoted().or_else(|| about().map(|about| Template::literal(about.into())))
    }

    fn quoted(&self) -> Option<Template> {
        self.goal.quoted.map(|quoted| Template::literal(quoted.into()))
    }

    /// For a skill that names no fields.
    fn without_fields(&self, card: &Card, made: &[Made<'_>]) -> Result<Template, String> {
        let input = &self.goal.goal.input;
        let object = takes_object(&card.input_schema);
        let earlier = || self.last(made, |given| u32::from(given.is_content()));
        if !object && let Some(earlier) = earlier() {
            return Ok(earlier);
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
    made: impl DoubleEndedIterator<Item = &'m Made<'s>>,
    fitness: impl Fn(&Field<'_>) -> u32,
) -> Option<Template> {
    made.rev().find_map(|made| {
        let given = given(made.card);
        // Of equals the first.
        let best =
            given.iter().rev().max_by_key(|given| fitness(given)).filter(|given| fitness(given) > 0)?;
        let from = Source::Step(made.id.clone());
        Some(Template::from(Reference { from, at: best.at.clone() }))
    })
}

fn from_goal(at: Pointer) -> Template {
    Template::from(Reference { from: Source::Goal, at })
}

/// A language as a field wants it: one of its values, a code, or a name.
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
    let known = super::word::words(&text);
    let named = matches!(known.first().and_then(|word| word.key.clone()), Some(Key::Language(found)) if found == code);
    named || text == code || text.strip_prefix(code).is_some_and(|rest| rest.starts_with(['-', '_']))
}
