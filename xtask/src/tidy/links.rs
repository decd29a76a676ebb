//! Links between pages lead to files that exist.

use std::path::{Component, Path, PathBuf};

use super::{Finding, lines};
use crate::source::{Source, root};

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let pages = sources.iter().filter(|source| source.is("md"));
    pages.flat_map(|page| broken(page, |path| root().join(path).exists())).collect()
}

fn broken(page: &Source, exists: impl Fn(&Path) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut fenced = false;
    for (line, text) in lines(&page.text) {
        fenced ^= text.trim_start().starts_with("```");
        for target in targets(text).filter(|_| !fenced) {
            if resolve(&page.path, target).is_none_or(|path| !exists(&path)) {
                findings.push(Finding::new(page, line, format!("the link to `{target}` is broken")));
            }
        }
    }
    findings
}

/// The targets after `](` without their fragments. Leaves out fragments alone and other sites.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let after = text.match_indices("](").map(|(at, opening)| &text[at + opening.len()..]);
    let inside = after.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    let files = inside.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|target| !target.is_empty() && !target.contains(':'))
}

/// The path from the root, or `None` if it leaves the project.
fn resolve(page: &str, target: &str) -> Option<PathBuf> {
    let folder = Path::new(page).parent()?;
    let mut path = PathBuf::new();
    for part in folder.join(target).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => path.pop().then_some(())?,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::source;

    fn found(text: &str) -> Vec<String> {
        let exists = |path: &Path| [Path::new("docs/gates.md"), Path::new("README.md")].contains(&path);
        broken(&source("docs/a.md", text), exists).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_broken_link_is_found() {
        assert_eq!(found("\n[x](none.md)"), ["docs/a.md:2: the link to `none.md` is broken"]);
        assert_eq!(found("[x](gates.md) [y](other.md#z)").len(), 1);
        assert_eq!(found("[x](../../README.md)").len(), 1);
        assert_eq!(found("[x](/README.md)").len(), 1);
    }

    #[test]
    fn a_link_to_a_file_or_another_site_is_accepted() {
        for text in ["[x](gates.md)", "[x](../README.md#top)", "[x](#here)", "[x](https://example.com/none)"]
        {
            assert!(found(text).is_empty(), "{text}");
        }
        assert!(found("```\n[x](none.md)\n```\n").is_empty());
    }
}
