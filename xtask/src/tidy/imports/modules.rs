//! The modules of a crate by the files they are in, and the files that paths lead to.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{Form, Paths, Written, paths};
use super::tokens::{ITEMS, Token, compiled};
use crate::source::{Source, code};

/// Names from the crate's root; the root itself has none.
pub(super) type ModulePath = Vec<String>;

/// A longer chain of `use` lines is not followed: it may be a circle.
const LONGEST_CHAIN: usize = 8;

/// A file that a build without tests compiles.
pub(super) struct File<'a> {
    pub(super) source: &'a Source,
    pub(super) module: ModulePath,
    pub(super) paths: Vec<Written>,
    /// Names that stand alone in its code.
    pub(super) alone: BTreeSet<String>,
    /// The first names of paths in its code.
    pub(super) heads: BTreeSet<String>,
    /// The names of its items.
    defines: BTreeSet<String>,
    /// The names that it imports, each with the index of its path.
    bound: BTreeMap<String, usize>,
}

impl<'a> File<'a> {
    fn new(source: &'a Source, module: ModulePath, tokens: &[Token<'_>]) -> Self {
        let Paths { written: paths, alone } = paths(tokens);
        let heads = paths.iter().filter(|path| path.form == Form::Inline);
        let heads = heads.filter_map(|path| path.path.first().cloned()).collect();
        let names = paths.iter().enumerate().rev();
        let bound = names.filter_map(|(index, path)| Some((path.name()?.to_owned(), index))).collect();
        Self { source, module, alone, heads, defines: defined(tokens), bound, paths }
    }

    fn binding(&self, name: &str) -> Option<&Written> {
        self.bound.get(name).and_then(|index| self.paths.get(*index))
    }
}

pub(super) struct Modules<'a>(BTreeMap<ModulePath, File<'a>>);

impl<'a> Modules<'a> {
    pub(super) fn read(sources: &'a [Source], folder: &str) -> Self {
        let of_crate = |source: &&Source| source.path.starts_with(folder) && source.is("rs");
        let moved = moved(sources.iter().filter(of_crate), folder);
        let mut files = BTreeMap::new();
        let mut of_tests = Vec::new();
        for source in sources.iter().filter(of_crate) {
            let usual = || usual_module(&source.path, folder);
            let Some(module) = moved.get(&source.path).cloned().or_else(usual) else { continue };
            let code = code(&source.text);
            let compiled = compiled(&code);
            of_tests.extend(compiled.test_modules.iter().map(|name| child(&module, name)));
            let file = File::new(source, module.clone(), &compiled.tokens);
            files.entry(module).or_insert(file);
        }
        files.retain(|module, _| !of_tests.iter().any(|tests| module.starts_with(tests)));
        Self(files)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &File<'a>> {
        self.0.values()
    }

    /// The path from the crate's root, or `None` if it leads to another crate.
    pub(super) fn absolute(&self, file: &File<'a>, written: &Written) -> Option<ModulePath> {
        self.followed(file, written, LONGEST_CHAIN)
    }

    fn followed(&self, file: &File<'a>, written: &Written, steps: usize) -> Option<ModulePath> {
        let here = || [file.module.as_slice(), &written.within].concat();
        let (head, rest) = written.path.split_first()?;
        let (mut path, mut rest) = match head.as_str() {
            "crate" => (ModulePath::new(), rest),
            "self" => (here(), rest),
            "super" => (parent(here())?, rest),
            name if self.0.contains_key(&child(&here(), name)) => (here(), &written.path[..]),
            name => {
                let binding = file.binding(name).filter(|binding| *binding != written)?;
                (self.followed(file, binding, steps.checked_sub(1)?)?, rest)
            }
        };
        while let Some(("super", after)) = rest.split_first().map(|(name, after)| (name.as_str(), after)) {
            path = parent(path)?;
            rest = after;
        }
        path.extend_from_slice(rest);
        Some(path)
    }

    /// The file of the module that a path from the root names or goes through last.
    pub(super) fn named(&self, path: &[String], form: &Form) -> Option<&File<'a>> {
        // An expression or a type ends with an item, even if a module has the same name.
        let longest = if *form == Form::Inline { path.len().saturating_sub(1) } else { path.len() };
        (0..=longest).rev().find_map(|length| self.0.get(&path[..length]))
    }

    /// The file that defines the item at the end of a path from the root, behind all re-exports.
    pub(super) fn definer(&self, path: &[String], form: &Form) -> Option<&File<'a>> {
        self.behind(path, form, LONGEST_CHAIN)
    }

    fn behind(&self, path: &[String], form: &Form, steps: usize) -> Option<&File<'a>> {
        let file = self.named(path, form)?;
        let steps = steps.checked_sub(1)?;
        let Some(item) = path.get(file.module.len()).filter(|item| !file.defines.contains(*item)) else {
            return Some(file);
        };
        let re_export = file.binding(item).filter(|written| written.within.is_empty()).and_then(|written| {
            let mut target = self.absolute(file, written)?;
            target.extend_from_slice(&path[file.module.len() + 1..]);
            self.behind(&target, &written.form, steps)
        });
        let globs = file.paths.iter().filter(|written| matches!(written.form, Form::Glob { .. }));
        let of_glob = || {
            let mut targets = globs.filter_map(|glob| self.named(&self.absolute(file, glob)?, &glob.form));
            targets.find(|target| target.defines.contains(item))
        };
        re_export.or_else(of_glob).or(Some(file))
    }
}

fn child(module: &[String], name: &str) -> ModulePath {
    let mut path = module.to_vec();
    path.push(name.to_owned());
    path
}

fn parent(mut module: ModulePath) -> Option<ModulePath> {
    module.pop().map(|_| module)
}

/// The module of a file by its place, or `None` for a program of its own.
fn usual_module(path: &str, folder: &str) -> Option<ModulePath> {
    let mut module: ModulePath =
        path.strip_prefix(folder)?.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    if module[0] == "bin" {
        return None;
    }
    let is_root = module.len() == 1 && matches!(module[0].as_str(), "lib" | "main");
    if is_root || module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    Some(module)
}

/// The files that a `#[path = "…"]` on the line before `mod name` puts elsewhere.
fn moved<'a>(sources: impl Iterator<Item = &'a Source>, folder: &str) -> BTreeMap<String, ModulePath> {
    let mut moved = BTreeMap::new();
    for source in sources.filter(|source| source.text.contains("#[path")) {
        let Some(module) = usual_module(&source.path, folder) else { continue };
        let Some((place, _)) = source.path.rsplit_once('/') else { continue };
        for (attribute, declared) in source.text.lines().zip(source.text.lines().skip(1)) {
            let file = attribute.trim().strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]"));
            let name = declared.trim().strip_suffix(';').and_then(|rest| rest.rsplit_once("mod "));
            if let Some((file, (_, name))) = file.zip(name) {
                moved.insert(format!("{place}/{file}"), child(&module, name));
            }
        }
    }
    moved
}

fn defined(tokens: &[Token<'_>]) -> BTreeSet<String> {
    let pairs = tokens.iter().zip(tokens.iter().skip(1));
    let items = pairs.filter(|(keyword, name)| ITEMS.contains(&keyword.text) && name.is_name());
    items.map(|(_, name)| name.text.to_owned()).collect()
}
