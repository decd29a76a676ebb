//! SKILL.md files in all shapes that people write: the public part, the prompt, and the warnings for the owner.

#![cfg(test)]

mod shapes;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use coworker_kit::skill_md::{Folder, SkillMd, Wishes};
use coworker_policy::{Card, Request};
use coworker_schema::Schema;
use proptest::prelude::*;

fn files() -> Vec<PathBuf> {
    let shelf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/skill_md");
    let folders = shelf.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = folders.map(|path| path.join("SKILL.md")).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn read(path: &Path) -> SkillMd {
    let called = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
    SkillMd::parse(&std::fs::read(path).unwrap(), called, &Wishes::default()).unwrap()
}

/// The card that a host makes of the public part. The host must accept it.
fn card(skill: &SkillMd) -> Card {
    let card = Card::try_from(skill.descriptor()).unwrap();
    Schema::new(card.input_schema.clone()).unwrap();
    Schema::new(card.output_schema.clone()).unwrap();
    card
}

/// All texts in a value, keys included.
fn texts(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone() + "\n",
        serde_json::Value::Array(items) => items.iter().map(texts).collect(),
        serde_json::Value::Object(fields) => {
            fields.iter().flat_map(|(key, value)| [key.clone(), "\n".to_owned(), texts(value)]).collect()
        }
        _ => String::new(),
    }
}

#[test]
fn every_shape_is_read() {
    let mut told = String::new();
    for path in files() {
        let skill = read(&path);
        let name = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let Card { name: called, version, description, when_to_use, category, input_schema, .. } =
            card(&skill);
        writeln!(told, "== {name}\n{called} {version} {category}\n{description}\n{when_to_use}").unwrap();
        writeln!(told, "{input_schema}\n-- prompt\n{}", skill.prompt().trim()).unwrap();
        let (package, more) = skill.package(&Folder::beside(&path).unwrap());
        for warning in skill.warnings.iter().chain(&more) {
            writeln!(told, "warning: {warning}").unwrap();
        }
        let packed: Vec<&str> = package.files.iter().map(|(path, _)| path.as_str()).skip(3).collect();
        writeln!(told, "files: {}\n", packed.join(", ")).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn no_line_of_the_instructions_is_public() {
    for path in files().into_iter().filter(|path| !path.to_string_lossy().contains("/repeated/")) {
        let skill = read(&path);
        let public = texts(&serde_json::to_value(card(&skill)).unwrap());
        for line in skill.body.lines().map(str::trim).filter(|line| line.chars().count() >= 20) {
            assert!(!public.contains(line), "{}: {line}", path.display());
        }
        let warned: String = skill.warnings.iter().map(ToString::to_string).collect();
        assert!(!skill.body.lines().any(|line| line.len() >= 20 && warned.contains(line)), "{warned}");
    }
}

#[test]
fn the_manifest_asks_for_a_model_with_a_reason() {
    let path = files().into_iter().find(|path| path.to_string_lossy().contains("/with-files/")).unwrap();
    let (package, _) = read(&path).package(&Folder::beside(&path).unwrap());
    let request = Request::parse(package.manifest.as_bytes()).unwrap();
    assert_eq!((request.name.as_str(), request.asks.len()), ("with-files", 1));
    assert_eq!(request.asks[0].capability.name(), "llm");
    let plan: serde_json::Value = serde_json::from_slice(&package.files[2].1).unwrap();
    let expected = serde_json::json!({
        "shown": ["references/prices.md"],
        "named": ["assets/logo.png", "scripts/total.py"],
    });
    assert_eq!(plan, expected);
}

#[test]
fn the_owners_wishes_replace_the_authors_values() {
    let wishes = Wishes {
        name: Some("mine".parse().unwrap()),
        version: Some("9.0.0".parse().unwrap()),
        when_to_use: Some(coworker_policy::Text::new("always").unwrap()),
    };
    let skill = SkillMd::parse("---\nname: 主\nversion: x\n---\nDo.".as_bytes(), "主", &wishes).unwrap();
    let card = card(&skill);
    let seen = (card.name.as_str(), card.version.to_string(), card.when_to_use.as_str());
    assert_eq!(seen, ("mine", "9.0.0".to_owned(), "always"));
}

/// As many pieces as fit into a file.
fn many(piece: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for next in (0..).map(piece) {
        if text.len() + next.len() > SkillMd::MAX {
            break;
        }
        text.push_str(&next);
    }
    text
}

#[test]
fn a_file_that_means_to_burden_its_reader_is_read_in_time() {
    for body in [
        many(|_| "$ARGUMENTS[".to_owned()),
        many(|n| format!("{{a{n}}}")),
        many(|_| "{{ ".to_owned()),
        many(|_| "`\n".to_owned()),
        many(|n| format!("a line that is longer than twenty, number {n}\n")),
    ] {
        let skill = SkillMd::parse(body.as_bytes(), "a", &Wishes::default()).unwrap();
        assert!(skill.warnings.len() < 10 && !skill.prompt().is_empty());
    }
    let laughs = (1..9).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(",")));
    let front = format!("---\na0: &a0 [ha]\n{}---\nDo.", laughs.collect::<String>());
    let laughed = SkillMd::parse(front.as_bytes(), "a", &Wishes::default());
    assert!(!matches!(laughed, Ok(skill) if skill.warnings.is_empty()));
}

/// Pieces of frontmatters and bodies.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("---\n".to_owned()),
        Just("name: a b\n".to_owned()),
        Just("description: x: y\n  z\n".to_owned()),
        Just("arguments:\n  - a\n  - b: {type: int, enum: [1, x]}\n".to_owned()),
        Just("metadata: {version: 1, x: [y]}\n".to_owned()),
        Just("a: &x [1]\nb: *x\n".to_owned()),
        Just("$ARGUMENTS[1] $2 {{ a }} ${b} `$c` !`d`\n".to_owned()),
        Just("```\r\n\t{x}\u{feff}\u{202e}\n".to_owned()),
        "[ -~\u{e9}\u{4e3b}\\n:#'\"|>{}$-]{0,30}",
    ]
}

proptest! {
    #[test]
    fn whatever_a_file_holds_it_is_read_or_refused(pieces in prop::collection::vec(piece(), 0..12)) {
        let text = pieces.concat();
        if let Ok(skill) = SkillMd::parse(text.as_bytes(), "folder", &Wishes::default()) {
            card(&skill);
            skill.prompt();
            skill.warnings.iter().for_each(|warning| { warning.to_string(); });
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = SkillMd::parse(&bytes, "folder", &Wishes::default());
    }

    #[test]
    fn the_body_is_never_in_the_public_part(
        before in prop::collection::vec("[a-z$`{}|:. -]{0,30}", 0..4),
        after in prop::collection::vec("[a-z$`{}|:. -]{0,30}", 0..4),
        front in prop::collection::vec("(name|version|category|arguments|x): [a-z]{0,20}\n", 0..4),
    ) {
        const SECRET: &str = "KETTLE the copper kettle stands on the left KETTLE";
        let body = [before, vec![SECRET.to_owned()], after].concat().join("\n");
        for head in [String::new(), format!("---\n{}---\n", front.concat())] {
            let text = format!("{head}{body}");
            let Ok(skill) = SkillMd::parse(text.as_bytes(), "folder", &Wishes::default()) else { continue };
            prop_assert!(skill.body.contains(SECRET));
            prop_assert!(skill.prompt().contains("KETTLE the copper kettle"));
            let public = serde_json::to_string(&card(&skill)).unwrap();
            prop_assert!(!public.contains("KETTLE") && !public.contains("copper"), "{}", public);
        }
    }
}
