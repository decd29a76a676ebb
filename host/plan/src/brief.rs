use coworker_policy::Text;

/// Shortens a name or a reason that another party wrote to one safe line of an error.
pub(crate) fn brief(text: &str) -> String {
    const MAX: usize = 200;
    let one_line = |c: char| if c.is_whitespace() { ' ' } else { c };
    let mut brief = Text::sanitized(&text.chars().take(MAX).map(one_line).collect::<String>()).to_string();
    if text.chars().nth(MAX).is_some() {
        brief.push('…');
    }
    brief
}
