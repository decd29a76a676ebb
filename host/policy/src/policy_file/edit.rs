//! Edits of a `policy.toml`, from text to text. They keep the owner's comments and order.
//!
//! Each edit takes a valid or empty file and returns a valid one.

use std::mem;

use coworker_leak::LeakMode;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value, value};

use super::{PolicyFile, PolicyFileError, rules, syntax};
use crate::capability::Capability;
use crate::digest::Digest;
use crate::grant::{Grant, GrantError};
use crate::listing::Listing;
use crate::name::SkillName;
use crate::tier::Tier;

#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("policy.toml is invalid; fix it first")]
    Unreadable(#[source] PolicyFileError),
    #[error("policy.toml would be invalid after this change")]
    Refused(#[source] PolicyFileError),
    #[error("this cannot be granted")]
    Grant(#[source] GrantError),
    #[error("policy.toml denies {0}, and a deny overrides grants; remove that [[deny]] first")]
    Denied(Capability),
    #[error("policy.toml does not grant {capability}{}", to.as_ref().map(|to| format!(" `{to}`")).unwrap_or_default())]
    NotGranted { capability: Capability, to: Option<String> },
    #[error("`{0}` in policy.toml is not written as a table")]
    Shape(&'static str),
}

/// The start of a new file.
const HEADER: &str = "\
# The rights and limits of this component. `coworker skill expose`, `hide`, `grant`, `revoke` and
# `configure` write this file, and you can edit it, too; a change applies from the next call on.
# Nothing is granted unless it is named here. docs/policy.md explains every key.

";

/// Exposes or hides a skill. A hidden skill keeps its tier for the next time it is exposed.
pub fn set_listing(text: &str, skill: &SkillName, listing: Listing) -> Result<String, EditError> {
    edit(text, |root| {
        let skill = subtable(table(root, "skills")?, skill.as_str()).ok_or(EditError::Shape("skills"))?;
        put(skill, "exposed", listing != Listing::Hidden);
        if let Listing::Exposed { from } = listing {
            put(skill, "from", from.name());
        }
        Ok(())
    })
}

/// Sets the treatment of a skill's answers that contain private text.
pub fn set_leaks(text: &str, skill: &SkillName, leaks: LeakMode) -> Result<String, EditError> {
    edit(text, |root| {
        let skill = subtable(table(root, "skills")?, skill.as_str()).ok_or(EditError::Shape("skills"))?;
        put(skill, "leaks", leaks.name());
        Ok(())
    })
}

/// Adds a grant. `to` joins a grant of the same capability and the same `from`, if there is one.
///
/// State and llm have no rules, so a new grant replaces the old one. Granting state, or a capability that needs no grant,
/// removes the deny that `revoke` wrote.
pub fn add_grant(
    text: &str,
    capability: Capability,
    to: &[String],
    from: Option<Tier>,
) -> Result<String, EditError> {
    let grant = match Grant::new(capability, to, from) {
        Err(error @ GrantError::Always(_)) => {
            return edit(
                text,
                |root| if allow(root, capability)? { Ok(()) } else { Err(EditError::Grant(error)) },
            );
        }
        grant => grant.map_err(EditError::Grant)?,
    };
    edit(text, |root| {
        if capability == Capability::State {
            allow(root, capability)?;
        } else if tables(root, "deny")?.iter().any(|deny| is_of(deny, capability)) {
            return Err(EditError::Denied(capability));
        }
        let grants = tables(root, "grant")?;
        if grant.is_whole() {
            grants.retain(|old| !is_of(old, capability));
        }
        join(grants, &grant)
    })
}

/// Revokes one rule of a capability, or all of its grants, from every tier. A capability that needs no grant is denied.
pub fn revoke(text: &str, capability: Capability, to: Option<&str>) -> Result<String, EditError> {
    let rule = to.map(|to| canonical(capability, to).map_err(EditError::Grant)).transpose()?;
    let needs_none = capability == Capability::State || Capability::ALWAYS.contains(&capability);
    edit(text, |root| {
        let grants = tables(root, "grant")?;
        let granted = grants.iter().filter(|grant| is_of(grant, capability)).count();
        let taken = if let Some(rule) = &rule {
            take_rule(grants, capability, rule)
        } else {
            grants.retain(|grant| !is_of(grant, capability));
            granted > 0
        };
        match rule {
            None if needs_none => deny(root, capability),
            to if !taken => Err(EditError::NotGranted { capability, to }),
            _ => Ok(()),
        }
    })
}

/// Sets a limit of a tier, or with `None` resets it to its default. `key` is as in the file.
pub fn set_limit(text: &str, tier: Tier, key: &str, limit: Option<u64>) -> Result<String, EditError> {
    // A value that TOML cannot hold is out of every range.
    let limit = limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    edit(text, |root| {
        let limits = subtable(table(root, "limits")?, tier.name()).ok_or(EditError::Shape("limits"))?;
        put_or_remove(limits, key, limit);
        Ok(())
    })
}

/// Sets a value of the component's `wasi:config`, or with `None` removes it.
pub fn set_config(text: &str, key: &str, to: Option<&str>) -> Result<String, EditError> {
    edit(text, |root| {
        put_or_remove(table(root, "config")?, key, to);
        Ok(())
    })
}

/// Sets the component that the decisions are for.
pub fn set_digest(text: &str, digest: Digest) -> Result<String, EditError> {
    edit(text, |root| {
        let first = !root.contains_key("digest") && !root.is_empty();
        put(root, "digest", digest.to_string());
        if let Some(written) = root.get_mut("digest").and_then(Item::as_value_mut).filter(|_| first) {
            written.decor_mut().set_suffix("\n");
        }
        Ok(())
    })
}

/// Applies a change to everything below the comment at the head, which belongs to the file and not to the first key.
fn edit(text: &str, change: impl FnOnce(&mut Table) -> Result<(), EditError>) -> Result<String, EditError> {
    PolicyFile::parse(text).map_err(EditError::Unreadable)?;
    let text = if text.trim().is_empty() { HEADER } else { text };
    let (head, body) = text.split_at(end_of_head(text));
    let mut body: DocumentMut = body.parse().map_err(|error| EditError::Unreadable(syntax(&error)))?;
    change(body.as_table_mut())?;
    let edited = format!("{head}{body}");
    PolicyFile::parse(&edited).map_err(EditError::Refused)?;
    Ok(edited)
}

/// The end of the comments at the start of a file, if an empty line or nothing follows them.
fn end_of_head(text: &str) -> usize {
    let length = |lines: std::str::SplitInclusive<'_, char>, fits: fn(&str) -> bool| -> usize {
        lines.take_while(|line| fits(line.trim())).map(str::len).sum()
    };
    let comments = length(text.split_inclusive('\n'), |line| line.starts_with('#'));
    let blank = length(text[comments..].split_inclusive('\n'), str::is_empty);
    if blank > 0 || comments == text.len() { comments + blank } else { 0 }
}

/// The table under a key. Created if it is missing, expanded if it is written inline.
fn table<'a>(parent: &'a mut Table, key: &'static str) -> Result<&'a mut Table, EditError> {
    subtable(parent, key).ok_or(EditError::Shape(key))
}

fn subtable<'a>(parent: &'a mut Table, key: &str) -> Option<&'a mut Table> {
    let item = parent.entry(key).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    if item.is_inline_table() {
        *item = mem::take(item).into_table().map_or_else(|other| other, |table| Item::Table(plain(table)));
    }
    item.as_table_mut()
}

/// The tables of `[[key]]`, also if they are written inline.
fn tables<'a>(root: &'a mut Table, key: &'static str) -> Result<&'a mut ArrayOfTables, EditError> {
    let item = root.entry(key).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    if item.as_array().is_some_and(Array::is_empty) {
        *item = Item::ArrayOfTables(ArrayOfTables::new());
    } else if item.is_array() {
        let tables = mem::take(item).into_array_of_tables().unwrap_or_default();
        *item = Item::ArrayOfTables(tables.into_iter().map(plain).collect());
    }
    item.as_array_of_tables_mut().ok_or(EditError::Shape(key))
}

/// Lays out a table that was written inline.
fn plain(mut table: Table) -> Table {
    table.decor_mut().clear();
    table.fmt();
    table
}

fn put(table: &mut Table, key: &str, to: impl Into<Value>) {
    let mut to = to.into();
    match table.get_mut(key) {
        Some(item) => {
            if let Some(old) = item.as_value() {
                *to.decor_mut() = old.decor().clone();
            }
            *item = Item::Value(to);
        }
        None => drop(table.insert(key, Item::Value(to))),
    }
}

fn put_or_remove(table: &mut Table, key: &str, to: Option<impl Into<Value>>) {
    match to {
        Some(to) => put(table, key, to),
        None => drop(table.remove(key)),
    }
}

fn is_of(grant: &Table, capability: Capability) -> bool {
    grant.get("capability").and_then(Item::as_str) == Some(capability.name())
}

/// Removes the deny of a capability. Returns whether there was one.
fn allow(root: &mut Table, capability: Capability) -> Result<bool, EditError> {
    let denied = tables(root, "deny")?;
    let before = denied.len();
    denied.retain(|deny| !is_of(deny, capability));
    Ok(denied.len() < before)
}

fn deny(root: &mut Table, capability: Capability) -> Result<(), EditError> {
    allow(root, capability)?;
    let mut deny = Table::new();
    put(&mut deny, "capability", capability.name());
    tables(root, "deny")?.push(deny);
    Ok(())
}

/// The canonical form of a rule, so that two spellings of one rule are equal.
fn canonical(capability: Capability, rule: &str) -> Result<String, GrantError> {
    let grant = Grant::new(capability, &[rule.to_owned()], None)?;
    grant.to().pop().ok_or(GrantError::Nothing(capability))
}

fn join(grants: &mut ArrayOfTables, grant: &Grant) -> Result<(), EditError> {
    let (capability, from) = (grant.capability(), grant.from().map(Tier::name));
    let same = |old: &&mut Table| is_of(old, capability) && old.get("from").and_then(Item::as_str) == from;
    let Some(old) = grants.iter_mut().find(same) else {
        grants.push(written(grant));
        return Ok(());
    };
    let rules = old.get_mut("to").and_then(Item::as_array_mut).ok_or(EditError::Shape("grant"))?;
    for rule in grant.to() {
        if position(rules, capability, &rule).is_none() {
            rules::push(rules, &rule);
        }
    }
    Ok(())
}

fn written(grant: &Grant) -> Table {
    let mut table = Table::new();
    put(&mut table, "capability", grant.capability().name());
    let to = grant.to();
    if !to.is_empty() {
        table.insert("to", value(Array::from_iter(to)));
    }
    if let Some(from) = grant.from() {
        put(&mut table, "from", from.name());
    }
    table
}

/// Removes a rule from every grant. A grant that loses its last rule is removed.
fn take_rule(grants: &mut ArrayOfTables, capability: Capability, rule: &str) -> bool {
    let mut taken = false;
    for grant in grants.iter_mut().filter(|grant| is_of(grant, capability)) {
        let Some(rules) = grant.get_mut("to").and_then(Item::as_array_mut) else { continue };
        while let Some(index) = position(rules, capability, rule) {
            rules::remove(rules, index);
            taken = true;
        }
    }
    let spent = |grant: &Table| grant.get("to").and_then(Item::as_array).is_some_and(Array::is_empty);
    grants.retain(|grant| !(is_of(grant, capability) && spent(grant)));
    taken
}

fn position(rules: &Array, capability: Capability, rule: &str) -> Option<usize> {
    let same = |text: &str| canonical(capability, text).is_ok_and(|text| text == rule);
    rules.iter().position(|value| value.as_str().is_some_and(same))
}
