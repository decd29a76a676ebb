//! The paths that a file writes: in `use` and in expressions, types and patterns.

use std::collections::BTreeSet;

use super::tokens::{ITEMS, Token};

/// One path as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) path: Vec<String>,
    /// The inline modules around it.
    pub(super) within: Vec<String>,
    pub(super) line: usize,
    pub(super) form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In an expression, a type or a pattern: never a module itself.
    Inline,
    Use {
        /// The name that it binds.
        name: String,
        /// It has a visibility: `pub use`, `pub(crate) use`.
        is_exported: bool,
    },
    /// `use path::*`.
    Glob { is_exported: bool },
}

impl Written {
    /// The name that a `use` binds.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.form {
            Form::Use { name, .. } => Some(name),
            Form::Inline | Form::Glob { .. } => None,
        }
    }

    pub(super) const fn is_exported(&self) -> bool {
        matches!(self.form, Form::Use { is_exported: true, .. } | Form::Glob { is_exported: true })
    }
}

/// All paths of a file.
#[derive(Default)]
pub(super) struct Paths {
    pub(super) written: Vec<Written>,
    /// Names that stand alone in code, and neither declare an item nor follow a dot.
    pub(super) alone: BTreeSet<String>,
}

pub(super) fn paths(tokens: &[Token<'_>]) -> Paths {
    let mut reader = Reader { tokens, at: 0, depth: 0, modules: Vec::new(), found: Paths::default() };
    while reader.at < tokens.len() {
        reader.step();
    }
    reader.found
}

struct Reader<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    /// Open braces.
    depth: usize,
    /// The inline modules around `at`, each with the depth of its braces.
    modules: Vec<(&'a str, usize)>,
    found: Paths,
}

impl<'a> Reader<'_, 'a> {
    fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| token.text)
    }

    fn before(&self, distance: usize) -> &'a str {
        self.at.checked_sub(distance).map_or("", |at| self.text(at))
    }

    fn step(&mut self) {
        match self.text(self.at) {
            "{" => self.depth += 1,
            "}" => {
                self.modules.pop_if(|(_, depth)| *depth == self.depth);
                self.depth = self.depth.saturating_sub(1);
            }
            "mod" if self.text(self.at + 2) == "{" => {
                self.modules.push((self.text(self.at + 1), self.depth + 1));
            }
            // `use<'a>` captures lifetimes.
            "use" if self.text(self.at + 1) != "<" => return self.import(),
            _ if self.starts_path() => return self.inline(),
            name if self.stands_alone() => _ = self.found.alone.insert(name.to_owned()),
            _ => {}
        }
        self.at += 1;
    }

    fn starts_path(&self) -> bool {
        let is_name = self.tokens.get(self.at).is_some_and(|token| token.is_name());
        // `pub(in crate::x)` imports nothing.
        let is_visibility = self.before(1) == "in" && self.before(2) == "(" && self.before(3) == "pub";
        is_name && self.text(self.at + 1) == "::" && !matches!(self.before(1), "::" | ".") && !is_visibility
    }

    fn stands_alone(&self) -> bool {
        let is_name = self.tokens.get(self.at).is_some_and(|token| token.is_name());
        is_name && !matches!(self.before(1), "::" | "." | "mod" | "'") && !ITEMS.contains(&self.before(1))
    }

    fn inline(&mut self) {
        let line = self.tokens[self.at].line;
        let mut path = vec![self.text(self.at)];
        self.at += 1;
        while self.text(self.at) == "::" && self.tokens.get(self.at + 1).is_some_and(|next| next.is_name()) {
            path.push(self.text(self.at + 1));
            self.at += 2;
        }
        self.push(&path, line, Form::Inline);
    }

    fn import(&mut self) {
        let is_exported = self.before(1) == "pub" || self.before(1) == ")";
        self.at += 1;
        let mut path = Vec::new();
        if self.text(self.at) == "::" {
            // The empty name marks another crate.
            path.push("");
            self.at += 1;
        }
        self.tree(&mut path, is_exported);
    }

    /// One tree of a `use`, up to its `,`, `}` or `;`.
    fn tree(&mut self, path: &mut Vec<&'a str>, is_exported: bool) {
        loop {
            let Some(token) = self.tokens.get(self.at) else { return };
            self.at += 1;
            match token.text {
                "{" => return self.group(path, is_exported),
                "*" => return self.push(path, token.line, Form::Glob { is_exported }),
                name => path.push(name),
            }
            if self.text(self.at) != "::" {
                return self.leaf(path, token.line, is_exported);
            }
            self.at += 1;
        }
    }

    fn group(&mut self, path: &mut Vec<&'a str>, is_exported: bool) {
        let length = path.len();
        while !matches!(self.text(self.at), "}" | "") {
            self.tree(path, is_exported);
            path.truncate(length);
            if self.text(self.at) == "," {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    fn leaf(&mut self, path: &mut Vec<&'a str>, line: usize, is_exported: bool) {
        // `a::{self}` is `a`.
        if path.len() > 1 {
            path.pop_if(|last| *last == "self");
        }
        let mut name = path.last().copied().unwrap_or_default();
        if self.text(self.at) == "as" {
            name = self.text(self.at + 1);
            self.at += 2;
        }
        self.push(path, line, Form::Use { name: name.to_owned(), is_exported });
    }

    fn push(&mut self, path: &[&str], line: usize, form: Form) {
        let path = path.iter().map(|name| (*name).to_owned()).collect();
        let within = self.modules.iter().map(|(name, _)| (*name).to_owned()).collect();
        self.found.written.push(Written { path, within, line, form });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::imports::tokens::compiled;

    /// `line within path = name`, one for each path.
    fn found(code: &str) -> Vec<String> {
        let shown = |written: &Written| {
            let form = match &written.form {
                Form::Inline => String::new(),
                Form::Use { name, is_exported: false } => format!(" = {name}"),
                Form::Use { name, is_exported: true } => format!(" = pub {name}"),
                Form::Glob { is_exported } => format!(" = {}*", if *is_exported { "pub " } else { "" }),
            };
            let within = written.within.iter().map(|name| name.clone() + "/").collect::<String>();
            format!("{} {within}{}{form}", written.line, written.path.join("::"))
        };
        paths(&compiled(code).tokens).written.iter().map(shown).collect()
    }

    #[test]
    fn nested_uses_are_flattened() {
        let code = "use crate::{\n    a,\n    b::{self, C, d::{E as F, G}},\n};\nuse super::h::*;";
        let expected = [
            "2 crate::a = a",
            "3 crate::b = b",
            "3 crate::b::C = C",
            "3 crate::b::d::E = F",
            "3 crate::b::d::G = G",
            "5 super::h = *",
        ];
        assert_eq!(found(code), expected);
    }

    #[test]
    fn a_visibility_marks_a_re_export() {
        let code = "pub use a::B; pub(crate) use c::{D}; pub(super) use self::e::*; use f::G;";
        assert_eq!(found(code), ["1 a::B = pub B", "1 c::D = pub D", "1 self::e = pub *", "1 f::G = G"]);
    }

    #[test]
    fn paths_in_expressions_and_types_are_found() {
        let code = "fn f(a: &crate::b::C) -> d::E<super::F> { crate::g::h::<I>(J::K); l.m::<n::O>() }";
        let expected = ["1 crate::b::C", "1 d::E", "1 super::F", "1 crate::g::h", "1 J::K", "1 n::O"];
        assert_eq!(found(code), expected);
        assert_eq!(found("<A as b::C>::d(); ::std::mem::drop(e)"), ["1 b::C"]);
    }

    #[test]
    fn paths_of_visibilities_and_captures_are_not_imports() {
        assert!(found("pub(in crate::a::b) fn f() -> impl A + use<'a> {}").is_empty());
    }

    #[test]
    fn names_that_stand_alone_are_found() {
        let code = "mod a; use b::C; fn d(e: F<G>) { h.i(J { k }) } struct L; enum M { N(O) }";
        let paths = paths(&compiled(code).tokens);
        let names: Vec<&str> =
            paths.alone.iter().map(String::as_str).filter(|name| name.len() == 1).collect();
        assert_eq!(names, ["F", "G", "J", "N", "O", "e", "h", "k"]);
    }

    #[test]
    fn inline_modules_are_tracked() {
        let code = "mod a { mod b { use super::C; } d::e(); }\nfn f() { g::h() }";
        assert_eq!(found(code), ["1 a/b/super::C = C", "1 a/d::e", "2 g::h"]);
    }

    #[test]
    fn a_path_from_the_root_of_all_crates_has_an_empty_head() {
        assert_eq!(found("use ::a::b;"), ["1 ::a::b = b"]);
    }
}
