//! The imports between the files of one crate, read from its sources without compiling them.
//!
//! Follows re-exports: an import of `parent::Name` leads to the file that defines `Name` if the parent only
//! re-exports it. Reads no macros, and takes a name that an item shadows for the import.

mod modules;
mod paths;
mod tokens;

use crate::source::Source;
use modules::{File, Modules};
use paths::Written;

/// One file uses a name of another file.
pub(super) struct Import<'a> {
    pub(super) from: &'a Source,
    /// Where `from` names it, counted from 1.
    pub(super) line: usize,
    /// The file of the module that the path names.
    pub(super) named: &'a Source,
    /// The file that defines the name.
    pub(super) to: &'a Source,
    /// `from` uses `to` itself, and does not only re-export a name of its child or shorten the path to it.
    pub(super) is_use: bool,
}

/// All imports within the crate whose sources are in `folder`, such as `host/policy/src/`.
pub(super) fn imports<'a>(sources: &'a [Source], folder: &str) -> Vec<Import<'a>> {
    let modules = Modules::read(sources, folder);
    let mut imports = Vec::new();
    for file in modules.files() {
        imports.extend(file.paths.iter().filter_map(|written| import(&modules, file, written)));
    }
    imports
}

fn import<'a>(modules: &Modules<'a>, file: &File<'a>, written: &Written) -> Option<Import<'a>> {
    let path = modules.absolute(file, written)?;
    let named = modules.named(&path, &written.form)?;
    let to = modules.definer(&path, &written.form)?;
    let is_name_used = written.name().is_some_and(|name| file.alone.contains(name));
    let only_re_exports = written.is_exported() && to.module.starts_with(&file.module) && !is_name_used;
    // A `use` of a module only shortens the paths below it, which are imports of their own.
    let is_module = path.len() == to.module.len();
    let only_shortens = is_module && written.name().is_some_and(|name| file.heads.contains(name));
    let is_use = !only_re_exports && !only_shortens;
    let is_other = named.source.path != file.source.path || to.source.path != file.source.path;
    is_other.then_some(Import {
        from: file.source,
        line: written.line,
        named: named.source,
        to: to.source,
        is_use,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::source;

    /// `from:line to`, one for each import that is a use.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> =
            files.iter().map(|(path, text)| source(&format!("host/x/src/{path}"), text)).collect();
        let short = |source: &Source| source.path["host/x/src/".len()..].to_owned();
        let imports = imports(&sources, "host/x/src/");
        let shown =
            |import: &Import<'_>| format!("{}:{} {}", short(import.from), import.line, short(import.to));
        imports.iter().filter(|import| import.is_use).map(shown).collect()
    }

    #[test]
    fn paths_lead_to_files() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::c::D;\nuse std::fmt;\nfn f() { crate::b::g(); fmt::x(); }"),
            ("b/mod.rs", "mod c; use self::c::D;\nfn g() { c::h() }"),
            ("b/c.rs", "use super::g;\nfn h() { super::super::a::f() }"),
        ];
        let expected = [
            "a.rs:1 b/c.rs",
            "a.rs:3 b/mod.rs",
            "b/mod.rs:1 b/c.rs",
            "b/mod.rs:2 b/c.rs",
            "b/c.rs:1 b/mod.rs",
            "b/c.rs:2 a.rs",
        ];
        assert_eq!(found(&files), expected);
    }

    #[test]
    fn names_that_a_use_binds_lead_on() {
        let files = [
            ("lib.rs", ""),
            ("a.rs", "use crate::b;\nuse crate::b as e;\nfn f() { b::c::g(); e::h(); }"),
            ("b.rs", "mod c;"),
            ("b/c.rs", ""),
        ];
        assert_eq!(found(&files), ["a.rs:3 b/c.rs", "a.rs:3 b.rs"]);
        let files = [("lib.rs", ""), ("a.rs", "\nuse crate::b;"), ("b.rs", "")];
        assert_eq!(found(&files), ["a.rs:2 b.rs"], "a module that no path shortens");
    }

    #[test]
    fn a_re_export_leads_to_the_file_that_defines_the_name() {
        let files = [
            ("lib.rs", "pub use b::C;"),
            ("a.rs", "use crate::C;\nuse crate::b::{C as D, E, G};"),
            ("b.rs", "mod c; mod e; pub use c::C; pub(crate) use self::e::*; pub fn g() {}"),
            ("b/c.rs", "use super::E;"),
            ("b/e.rs", "pub struct E;"),
        ];
        let expected = ["a.rs:1 b/c.rs", "a.rs:2 b/c.rs", "a.rs:2 b/e.rs", "a.rs:2 b.rs", "b/c.rs:1 b/e.rs"];
        assert_eq!(found(&files), expected);
    }

    #[test]
    fn a_re_exported_name_that_the_file_uses_itself_is_an_import() {
        let files = [("lib.rs", ""), ("a.rs", "pub use b::{C, D};\nfn f(c: C) {}"), ("a/b.rs", "")];
        assert_eq!(found(&files), ["a.rs:1 a/b.rs"]);
    }

    #[test]
    fn a_re_export_of_another_branch_is_an_import() {
        let files = [("lib.rs", ""), ("a.rs", "pub use crate::b::C;"), ("b.rs", "pub struct C;")];
        assert_eq!(found(&files), ["a.rs:1 b.rs"]);
    }

    #[test]
    fn declarations_comments_strings_and_tests_are_not_imports() {
        let a = "mod c;\n// crate::b::C\nconst X: &str = \"crate::b::C\";\n\
                 #[cfg(test)]\nmod tests { use crate::b::C; }\n#[cfg(test)]\nmod more;";
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", a),
            ("a/c.rs", ""),
            ("a/more.rs", "use crate::b::C;"),
            ("a/more/deep.rs", "use crate::b::C;"),
            ("b.rs", ""),
        ];
        assert!(found(&files).is_empty());
    }

    #[test]
    fn modules_with_a_path_attribute_are_found() {
        let files = [
            ("main.rs", "mod a;"),
            ("a/b.rs", "#[path = \"b_c.rs\"]\nmod c;\nfn f() { c::g(); }"),
            ("a/b_c.rs", "use super::f;"),
            ("a.rs", "fn f() { b::c::g(); }"),
        ];
        assert_eq!(found(&files), ["a.rs:1 a/b_c.rs", "a/b.rs:3 a/b_c.rs", "a/b_c.rs:1 a/b.rs"]);
    }

    #[test]
    fn a_use_that_names_itself_ends() {
        let files = [("lib.rs", ""), ("a.rs", "use x::x; use y as z; use z as y; fn f() { x::g(); y::h() }")];
        assert!(found(&files).is_empty());
    }
}
