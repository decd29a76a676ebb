//! Rust code as words and marks, without the parts that only tests compile.

/// The keywords before the name of an item.
pub(super) const ITEMS: [&str; 8] = ["const", "enum", "fn", "static", "struct", "trait", "type", "union"];

/// One word, one `::`, or one other character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// Counted from 1.
    pub(super) line: usize,
}

impl Token<'_> {
    pub(super) fn is_name(self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// The tokens of a file that a build without tests compiles.
pub(super) struct Compiled<'a> {
    pub(super) tokens: Vec<Token<'a>>,
    /// The names `x` of `#[cfg(test)] mod x;`.
    pub(super) test_modules: Vec<&'a str>,
}

/// Reads code whose comments and literals are blanked.
pub(super) fn compiled(code: &str) -> Compiled<'_> {
    let all = tokens(code);
    let mut compiled = Compiled { tokens: Vec::new(), test_modules: Vec::new() };
    let mut at = 0;
    while at < all.len() {
        let Some((attribute, end)) = attribute(&all, at).filter(|(attribute, _)| only_tests(attribute))
        else {
            compiled.tokens.push(all[at]);
            at += 1;
            continue;
        };
        if attribute.is_inner {
            return Compiled { tokens: Vec::new(), test_modules: Vec::new() };
        }
        let item = after_attributes(&all, end);
        at = item_end(&all, item);
        compiled.test_modules.extend(declared_module(&all[item..at]));
    }
    compiled
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    for (line, text) in (1..).zip(code.lines()) {
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            // The name of `r#type` is `type`.
            rest = rest.strip_prefix("r#").filter(|name| name.starts_with(is_word)).unwrap_or(rest);
            let length = match first {
                _ if rest.starts_with(is_word) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                ':' if rest.starts_with("::") => 2,
                _ => first.len_utf8(),
            };
            let (text, left) = rest.split_at(length);
            tokens.push(Token { text, line });
            rest = left.trim_start();
        }
    }
    tokens
}

struct Attribute<'t, 'a> {
    is_inner: bool,
    /// The tokens between the brackets.
    inside: &'t [Token<'a>],
}

/// The attribute that starts at `at`, and the index after it.
fn attribute<'t, 'a>(all: &'t [Token<'a>], at: usize) -> Option<(Attribute<'t, 'a>, usize)> {
    let text = |at: usize| all.get(at).map(|token| token.text);
    if text(at) != Some("#") {
        return None;
    }
    let is_inner = text(at + 1) == Some("!");
    let open = at + 1 + usize::from(is_inner);
    if text(open) != Some("[") {
        return None;
    }
    let mut depth = 0_usize;
    for (index, token) in all.iter().enumerate().skip(open) {
        match token.text {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((Attribute { is_inner, inside: &all[open + 1..index] }, index + 1));
        }
    }
    None
}

/// Whether the attribute is `cfg(test)` or `cfg(all(test, …))`.
fn only_tests(attribute: &Attribute<'_, '_>) -> bool {
    let texts: Vec<&str> = attribute.inside.iter().map(|token| token.text).collect();
    match texts.as_slice() {
        ["cfg", "(", "test", ")"] => true,
        ["cfg", "(", "all", "(", conditions @ .., ")", ")"] => {
            let mut depth = 0_usize;
            let outer = conditions.split(|text| {
                match *text {
                    "(" => depth += 1,
                    ")" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0 && *text == ","
            });
            outer.into_iter().any(|condition| condition == ["test"])
        }
        _ => false,
    }
}

fn after_attributes(all: &[Token<'_>], mut at: usize) -> usize {
    while let Some((_, end)) = attribute(all, at) {
        at = end;
    }
    at
}

/// The index after the item, statement, field or match arm that starts at `at`.
fn item_end(all: &[Token<'_>], at: usize) -> usize {
    let (mut depth, mut angles) = (0_usize, 0_usize);
    let mut before = "";
    for (index, token) in all.iter().enumerate().skip(at) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth == 0 => return index,
            "}" if depth == 1 => return index + 1,
            ")" | "]" | "}" => depth -= 1,
            "<" if depth == 0 => angles += 1,
            ">" if depth == 0 && !matches!(before, "-" | "=") => angles = angles.saturating_sub(1),
            ";" if depth == 0 => return index + 1,
            "," if depth == 0 && angles == 0 => return index + 1,
            _ => {}
        }
        before = token.text;
    }
    all.len()
}

/// The name in `mod name;`, with or without a visibility.
fn declared_module<'a>(item: &[Token<'a>]) -> Option<&'a str> {
    let [.., keyword, name, end] = item else { return None };
    (keyword.text == "mod" && end.text == ";").then_some(name.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(code: &str, expected: &str) {
        let tokens = compiled(code).tokens;
        assert_eq!(tokens.iter().map(|token| token.text).collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn words_and_marks_are_split() {
        reads("use a::b_c;\nx<'a>=r#type", "use a :: b_c ; x < ' a > = type");
        let lines: Vec<usize> = compiled("a\n\nb c").tokens.iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 3, 3]);
    }

    #[test]
    fn items_of_tests_are_left_out() {
        for item in [
            "#[cfg(test)]\nmod tests { fn f() { x } }",
            "#[cfg(test)] #[allow(a)] fn f<A, B>(a: [A; 2]) -> B { if a < b { c } else { d } }",
            "#[cfg(all(unix, test))] const A: B = c;",
            "#[cfg(test)]\npub(crate) mod tests;",
        ] {
            reads(&format!("a {item} b"), "a b");
        }
        reads("struct A { #[cfg(test)] b: X<C, D>, c: E }", "struct A { c : E }");
        reads("struct A { a: B, #[cfg(test)] b: C }", "struct A { a : B , }");
        reads("#![cfg(test)]\nuse a;", "");
    }

    #[test]
    fn code_that_is_also_compiled_without_tests_stays() {
        for item in ["# [ cfg ( any ( test , a ) ) ] b", "# [ cfg ( not ( test ) ) ] b", "# [ test ] b"] {
            reads(item, item);
        }
        reads("#[cfg(all(unix, not(test)))] b", "# [ cfg ( all ( unix , not ( test ) ) ) ] b");
    }

    #[test]
    fn modules_of_tests_are_named() {
        assert_eq!(compiled("#[cfg(test)] mod a;\nmod b;\n#[cfg(test)] pub mod c;").test_modules, ["a", "c"]);
        assert!(compiled("#[cfg(test)] mod tests { }").test_modules.is_empty());
    }
}
