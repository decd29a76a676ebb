//! Lists over several lines, and the comments in them.

use toml_edit::{Array, RawString, Value};

/// Adds a rule at the end, laid out like the one before it.
pub(super) fn push(rules: &mut Array, rule: &str) {
    let mut value = Value::from(rule);
    let last = rules.iter().last().and_then(|last| text(last.decor().prefix())).unwrap_or_default();
    if let Some((_, indent)) = last.rsplit_once('\n') {
        // What follows the last comma is a comment on the rule before it, and stays with that one.
        let tail = text(Some(rules.trailing())).unwrap_or_default();
        let comment = if rules.trailing_comma() { tail.trim_end() } else { "" };
        value.decor_mut().set_prefix(format!("{comment}\n{indent}"));
        if rules.trailing_comma() {
            rules.set_trailing("\n");
        }
        rules.push_formatted(value);
    } else {
        rules.push(value);
    }
}

/// Takes a rule out; comments before it stay in the list.
pub(super) fn remove(rules: &mut Array, index: usize) {
    let removed = rules.remove(index);
    let before = text(removed.decor().prefix()).unwrap_or_default();
    if !before.contains('#') {
        return;
    }
    // A comment ends with its line: what comes next must begin on another.
    let joined = |after: Option<&RawString>| {
        let after = text(after).filter(|after| after.contains('\n')).unwrap_or_else(|| "\n".to_owned());
        format!("{}{after}", before.trim_end())
    };
    if let Some(next) = rules.get_mut(index) {
        let prefix = joined(next.decor().prefix());
        next.decor_mut().set_prefix(prefix);
    } else {
        rules.set_trailing(joined(Some(rules.trailing())));
    }
}

fn text(raw: Option<&RawString>) -> Option<String> {
    raw.and_then(RawString::as_str).map(str::to_owned)
}
