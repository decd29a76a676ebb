//! The folders of `host/agent/src` are rooms in an order, and a room imports only from the rooms below it.
//!
//! `ARCHITECTURE.md` has the order: under the heading "Rooms of the agent", a fenced block with one line for each
//! room, the lowest first. The check is off until the page has the heading. A line begins with the room's folder, or with its files and commas between them, and goes on with a
//! description. Indented lines continue the description.
//!
//! ```text
//! base/                clock, errors, config
//! state/               the state actor and its transactions
//! agent.rs, lib.rs     puts the rooms together
//! ```

use super::imports::{Import, imports};
use super::{Finding, cycles, lines};
use crate::source::Source;

const PAGE: &str = "ARCHITECTURE.md";
const HEADING: &str = "Rooms of the agent";
const FOLDER: &str = "host/agent/src/";

/// One line of the page.
#[derive(Debug)]
struct Room<'a> {
    name: &'a str,
    /// `state/` or `agent.rs`, as the page has them.
    places: Vec<&'a str>,
    line: usize,
}

impl Room<'_> {
    /// `path` is from the crate's `src`. A folder's room also has the file beside it: `state.rs` of `state/`.
    fn has(&self, path: &str) -> bool {
        let stem = |path: &str| path.split(['/', '.']).next().map(str::to_owned);
        self.places.iter().any(|place| stem(place) == stem(path))
    }
}

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let Some(page) = sources.iter().find(|source| source.path == PAGE) else { return Vec::new() };
    let Some((line, section)) = section(&page.text) else { return Vec::new() };
    let (rooms, mut findings) = rooms(page, &section);
    if rooms.is_empty() {
        findings.push(Finding::new(page, line, format!("\"{HEADING}\" lacks a fenced block with the rooms")));
        return findings;
    }
    let imports = imports(sources, FOLDER);
    findings.extend(missing(page, &rooms, sources));
    findings.extend(unlisted(&rooms, sources));
    findings.extend(upward(&rooms, &imports));
    findings.extend(cycles::large(&imports));
    findings
}

/// The line of the heading, and the lines of the first fenced block below it.
fn section(page: &str) -> Option<(usize, Vec<(usize, &str)>)> {
    let is_heading = |text: &str| text.starts_with('#');
    let title = |text: &str| text.trim_start_matches('#').trim() == HEADING;
    let mut lines = lines(page).skip_while(|(_, text)| !(is_heading(text) && title(text)));
    let (line, _) = lines.next()?;
    let is_fence = |text: &str| text.trim_start().starts_with("```");
    let until_next = lines.take_while(|(_, text)| !is_heading(text));
    let block = until_next.skip_while(|(_, text)| !is_fence(text)).skip(1);
    Some((line, block.take_while(|(_, text)| !is_fence(text)).collect()))
}

fn rooms<'a>(page: &Source, block: &[(usize, &'a str)]) -> (Vec<Room<'a>>, Vec<Finding>) {
    let (mut rooms, mut findings): (Vec<Room<'a>>, _) = (Vec::new(), Vec::new());
    for &(line, text) in block.iter().filter(|(_, text)| !text.trim().is_empty() && !text.starts_with(' ')) {
        let mut problem = |message: String| findings.push(Finding::new(page, line, message));
        let (places, description) = split(text);
        let Some(name) = places.first().and_then(|place| place.split(['/', '.']).next()) else {
            problem("a room begins with its folder (`name/`) or its files (`name.rs`)".to_owned());
            continue;
        };
        if description.is_empty() {
            problem(format!("room `{name}` has no description"));
        }
        if rooms.iter().any(|room| places.iter().any(|place| room.has(place))) {
            problem(format!("room `{name}` is listed twice"));
        }
        rooms.push(Room { name, places, line });
    }
    (rooms, findings)
}

/// The places that a line begins with, and the rest of it.
fn split(mut text: &str) -> (Vec<&str>, &str) {
    let mut places = Vec::new();
    loop {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let place = word.trim_end_matches(',');
        if place.strip_suffix('/').or_else(|| place.strip_suffix(".rs")).is_none() {
            return (places, text);
        }
        places.push(place);
        text = rest.trim_start();
    }
}

fn in_crate(sources: &[Source]) -> impl Iterator<Item = (&Source, &str)> {
    let rust = sources.iter().filter(|source| source.is("rs"));
    rust.filter_map(|source| source.path.strip_prefix(FOLDER).map(|path| (source, path)))
}

fn missing(page: &Source, rooms: &[Room<'_>], sources: &[Source]) -> Vec<Finding> {
    let is_there = |place: &str| {
        in_crate(sources)
            .any(|(_, path)| if place.ends_with('/') { path.starts_with(place) } else { path == place })
    };
    let places = rooms.iter().flat_map(|room| room.places.iter().map(move |place| (room.line, *place)));
    let missing = places.filter(|(_, place)| !is_there(place));
    missing.map(|(line, place)| Finding::new(page, line, format!("there is no {FOLDER}{place}"))).collect()
}

/// One finding for each folder or file directly in the crate's `src` that is not in a room.
fn unlisted(rooms: &[Room<'_>], sources: &[Source]) -> Vec<Finding> {
    let mut places: Vec<&str> = Vec::new();
    let mut findings = Vec::new();
    for (source, path) in in_crate(sources) {
        let place = path.split_inclusive('/').next().unwrap_or(path);
        if room_of(rooms, path).is_none() && !places.contains(&place) {
            places.push(place);
            let message = format!("`{place}` is in no room: list it in {PAGE}, \"{HEADING}\"");
            findings.push(Finding::new(source, 1, message));
        }
    }
    findings
}

/// The place of a file's room in the order.
fn room_of(rooms: &[Room<'_>], path: &str) -> Option<usize> {
    let path = path.strip_prefix(FOLDER).unwrap_or(path);
    rooms.iter().position(|room| room.has(path))
}

/// The imports that lead to a higher room, once for each line and room.
fn upward(rooms: &[Room<'_>], all: &[Import<'_>]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for import in all {
        let Some(from) = room_of(rooms, &import.from.path) else { continue };
        // The root only passes names on: for a name of the root, its definition counts.
        let is_root = import.named.path == format!("{FOLDER}lib.rs");
        let named = (!is_root).then_some(import.named);
        for to in named.into_iter().chain([import.to]).filter_map(|to| room_of(rooms, &to.path)) {
            let message = || format!("room `{}` must not import room `{}`", rooms[from].name, rooms[to].name);
            let finding = || Finding::new(import.from, import.line, message());
            findings.extend((to > from).then(finding));
        }
    }
    findings.sort();
    findings.dedup();
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{said, source};

    /// A page as it should be; line 6 has the first room.
    const ROOMS: &str = "base/   clock, errors\n\
                         state/  the state actor\n        and its transactions\n\
                         intake.rs  frames from peers\n\
                         agent.rs, lib.rs  puts the rooms together\n";

    fn page(rooms: &str) -> Source {
        let text = format!("# Map\n\n## {HEADING}\n\n```text\n{rooms}```\n\n## More\n\n```text\nx y\n```\n");
        source(PAGE, &text)
    }

    /// An agent whose file at `path` has `text`; the other files are empty.
    fn agent(path: &str, text: &str) -> Vec<Source> {
        let all =
            ["base/clock.rs", "base/mod.rs", "state.rs", "state/rows.rs", "intake.rs", "agent.rs", "lib.rs"];
        let text = |this: &str| if this == path { text } else { "" };
        all.iter().map(|this| source(&format!("{FOLDER}{this}"), text(this))).collect()
    }

    fn found(rooms: &str, path: &str, text: &str) -> Vec<String> {
        let mut sources = agent(path, text);
        sources.push(page(rooms));
        said(check, &sources)
    }

    #[test]
    fn without_the_heading_nothing_is_checked() {
        let mut sources = agent("base/clock.rs", "use crate::agent::Agent;");
        sources.push(source(PAGE, "# Map\n\n```text\nbase/  clock\n```\n"));
        assert!(check(&sources).is_empty());
    }

    #[test]
    fn an_import_from_a_lower_room_or_the_same_one_is_allowed() {
        for (path, text) in [
            ("state.rs", "use crate::base::Clock;"),
            ("base/clock.rs", "use super::Error;\nuse crate::base::Other;"),
            ("intake.rs", "fn f() -> crate::state::rows::Row { crate::base::clock::now() }"),
            ("lib.rs", "pub use agent::Agent; pub use base::Clock;"),
            ("agent.rs", "use crate::{intake, state::{self, Work}};"),
        ] {
            assert_eq!(found(ROOMS, path, text), [""; 0], "{path}: {text}");
        }
    }

    #[test]
    fn an_import_from_a_higher_room_is_found() {
        for (text, expected) in [
            ("\nuse crate::state::Work;", "clock.rs:2: room `base` must not import room `state`"),
            (
                "\nuse crate::{\n    base::X,\n    state::rows::{A, B},\n};",
                "clock.rs:4: room `base` must not import room `state`",
            ),
            ("use super::super::intake;", "clock.rs:1: room `base` must not import room `intake`"),
            ("fn f(a: &crate::agent::Agent) {}", "clock.rs:1: room `base` must not import room `agent`"),
            ("fn f() { crate::intake::read() }", "clock.rs:1: room `base` must not import room `intake`"),
            ("use crate::Unknown;", "clock.rs:1: room `base` must not import room `agent`"),
        ] {
            assert_eq!(found(ROOMS, "base/clock.rs", text), [format!("{FOLDER}base/{expected}")], "{text}");
        }
    }

    #[test]
    fn comments_strings_and_tests_may_name_any_room() {
        for text in [
            "// crate::state::Work\n/// [`crate::state::Work`]\nfn f() {}",
            "const A: &str = \"crate::state::Work\";",
            "#[cfg(test)]\nmod tests {\n    use crate::state::Work;\n}",
            "pub(in crate::state) fn f() {}",
        ] {
            assert_eq!(found(ROOMS, "base/clock.rs", text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_name_of_the_root_belongs_to_the_room_that_defines_it() {
        let mut sources = agent("lib.rs", "pub use base::Clock;\npub use intake::Frame;");
        sources[2].text = "use crate::Clock;\nuse crate::Frame;".to_owned();
        sources.push(page(ROOMS));
        let expected = format!("{FOLDER}state.rs:2: room `state` must not import room `intake`");
        assert_eq!(said(check, &sources), [expected]);
    }

    #[test]
    fn a_higher_room_that_re_exports_a_lower_one_is_found() {
        let mut sources = agent("intake.rs", "pub use crate::base::Clock;");
        sources[2].text = "use crate::intake::Clock;".to_owned();
        sources.push(page(ROOMS));
        let expected = format!("{FOLDER}state.rs:1: room `state` must not import room `intake`");
        assert_eq!(said(check, &sources), [expected]);
    }

    #[test]
    fn a_place_that_the_page_does_not_list_is_found() {
        let rooms = ROOMS.replace("intake.rs  frames from peers\n", "");
        let expected =
            format!("{FOLDER}intake.rs:1: `intake.rs` is in no room: list it in {PAGE}, \"{HEADING}\"");
        assert_eq!(found(&rooms, "", ""), [expected]);
        let rooms = ROOMS.replace("base/   clock, errors\n", "");
        assert_eq!(found(&rooms, "", "").len(), 1, "once for a folder");
    }

    #[test]
    fn a_listed_place_that_does_not_exist_is_found() {
        let rooms = format!("{ROOMS}trust/  tiers\nhost.rs  more\n");
        let expected = [
            format!("{PAGE}:11: there is no {FOLDER}trust/"),
            format!("{PAGE}:12: there is no {FOLDER}host.rs"),
        ];
        assert_eq!(found(&rooms, "", ""), expected);
    }

    #[test]
    fn a_line_that_is_not_a_room_is_found() {
        for (line, expected) in [
            ("trust  tiers", "a room begins with its folder (`name/`) or its files (`name.rs`)"),
            ("base/  again", "room `base` is listed twice"),
        ] {
            assert_eq!(found(&format!("{ROOMS}{line}\n"), "", ""), [format!("{PAGE}:11: {expected}")]);
        }
        let rooms = ROOMS.replace("  frames from peers", "");
        assert_eq!(found(&rooms, "", ""), [format!("{PAGE}:9: room `intake` has no description")]);
        let empty = format!("{PAGE}:3: \"{HEADING}\" lacks a fenced block with the rooms");
        assert_eq!(found("", "", ""), [empty]);
    }

    #[test]
    fn a_large_cycle_within_a_room_is_found() {
        let mut sources = agent("", "");
        for n in 0..9 {
            let next = (n + 1) % 9;
            let text = format!("use super::a{next}::X{next};");
            sources.push(source(&format!("{FOLDER}base/a{n}.rs"), &text));
        }
        sources.push(page(ROOMS));
        let found = said(check, &sources);
        assert!(found.len() == 1 && found[0].contains("9 files import each other in a circle"), "{found:?}");
    }
}
