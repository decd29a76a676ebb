//! Arrays over several lines, with comments.

use toml_edit::{Array, RawString, Value};

/// Appends a rule, with the layout of the rule before it.
pub(super) fn push(rules: &mut Array, rule: &str) {
    let mut value = Value::from(rule);
    let last = rules.iter().last().and_then(|last| text(last.decor().prefix())).unwrap_or_default();
    if let Some((_, indent)) = last.rsplit_once('\n') {
        // A comment after the last comma belongs to the rule before it.
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

/// Removes a rule. Comments before it stay.
pub(super) fn remove(rules: &mut Array, index: usize) {
    let removed = rules.remove(index);
    let before = text(removed.decor().prefix()).unwrap_or_default();
    if !before.contains('#') {
        return;
    }
    // A comment ends with its line, so the next value must start on another line.
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
