//! No large cycle of imports between the files of a crate: nobody can read a part of it alone.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::imports::{Import, imports};
use crate::source::Source;

/// Files that may import each other in a circle.
const MAX: usize = 8;

/// The folders of `host/` that are checked; one that does not exist yet has no imports. `host/agent` is checked
/// together with its rooms.
const CRATES: [&str; 7] = ["leak", "model", "net", "policy", "schema", "state", "store"];

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let folders = CRATES.iter().map(|folder| format!("host/{folder}/src/"));
    folders.flat_map(|folder| large(&imports(sources, &folder))).collect()
}

/// One finding for each cycle that is too large, with its files.
pub(super) fn large(imports: &[Import<'_>]) -> Vec<Finding> {
    let too_large = cycles(imports).into_iter().filter(|cycle| cycle.len() > MAX);
    let finding = |cycle: Vec<&Source>| {
        let paths: Vec<&str> = cycle.iter().map(|source| source.path.as_str()).collect();
        let message = format!(
            "{} files import each other in a circle, and at most {MAX} may: {}",
            paths.len(),
            paths.join(", ")
        );
        Finding::new(cycle[0], 1, message)
    };
    too_large.map(finding).collect()
}

/// The strongly connected components of more than one file, each in the order of paths.
fn cycles<'a>(imports: &[Import<'a>]) -> Vec<Vec<&'a Source>> {
    let uses = || imports.iter().filter(|import| import.is_use);
    let sources: BTreeMap<&str, &Source> = uses()
        .flat_map(|import| [import.from, import.to])
        .map(|source| (source.path.as_str(), source))
        .collect();
    let forward = Graph::new(uses().map(|import| (import.from.path.as_str(), import.to.path.as_str())));
    let backward = Graph::new(uses().map(|import| (import.to.path.as_str(), import.from.path.as_str())));
    let mut left: BTreeSet<&str> = sources.keys().copied().collect();
    let mut cycles = Vec::new();
    while let Some(first) = left.first().copied() {
        let ahead = forward.reachable(first);
        let cycle: Vec<&str> = backward.reachable(first).intersection(&ahead).copied().collect();
        for path in &cycle {
            left.remove(path);
        }
        if cycle.len() > 1 {
            cycles.push(cycle.iter().map(|path| sources[path]).collect());
        }
    }
    cycles
}

struct Graph<'a>(BTreeMap<&'a str, BTreeSet<&'a str>>);

impl<'a> Graph<'a> {
    fn new(edges: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (from, to) in edges {
            graph.entry(from).or_default().insert(to);
        }
        Self(graph)
    }

    /// All nodes that paths from `start` lead to, `start` included.
    fn reachable(&self, start: &'a str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::from([start]);
        let mut open = vec![start];
        while let Some(node) = open.pop() {
            let next = self.0.get(node).into_iter().flatten();
            open.extend(next.filter(|next| found.insert(next)));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::source;

    /// Files `a0`, `a1` … of which each imports the next, and the last the first.
    fn ring(count: usize) -> Vec<Source> {
        let file = |n: usize| {
            let next = (n + 1) % count;
            source(&format!("host/x/src/a{n}.rs"), &format!("use crate::a{next}::X{next};"))
        };
        (0..count).map(file).collect()
    }

    fn found(sources: &[Source]) -> Vec<String> {
        large(&imports(sources, "host/x/src/")).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_ring_of_eight_files_is_allowed_and_one_of_nine_is_not() {
        assert!(found(&ring(8)).is_empty());
        let files: Vec<String> = (0..9).map(|n| format!("host/x/src/a{n}.rs")).collect();
        let expected = "host/x/src/a0.rs:1: 9 files import each other in a circle, and at most 8 may: ";
        assert_eq!(found(&ring(9)), [expected.to_owned() + &files.join(", ")]);
    }

    #[test]
    fn two_rings_that_share_no_file_are_two_cycles() {
        let mut sources = ring(8);
        sources.push(source("host/x/src/b.rs", "use crate::{a1, c};\nfn f() { a1::g(); c::g() }"));
        sources.push(source("host/x/src/c.rs", "use crate::{b, a2::X2};"));
        let imports = imports(&sources, "host/x/src/");
        assert_eq!(cycles(&imports).iter().map(Vec::len).collect::<Vec<_>>(), [8, 2]);
    }

    #[test]
    fn a_chain_is_not_a_cycle() {
        let mut sources = ring(9);
        sources[8].text.clear();
        assert!(found(&sources).is_empty());
    }
}
