use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use coworker_kit::skill_md::{SkillMd, Warning, Wishes};
use coworker_policy::Card;
use coworker_schema::Schema;
use serde_json::Value;

/// Shorter lines, such as headings and brackets, are not secrets.
const LINE: usize = 20;

/// Results for the files of a package.
#[derive(Default)]
pub(super) struct Count {
    pub(super) files: usize,
    clean: usize,
    warned: usize,
    /// Files whose authors repeat a line of the instructions in the frontmatter.
    repeated: usize,
    pub(super) refused: Vec<String>,
    pub(super) public: Vec<String>,
    /// Warnings, each with its file.
    pub(super) warnings: Vec<String>,
}

impl Count {
    pub(super) fn add(&mut self, other: Self) {
        self.files += other.files;
        self.clean += other.clean;
        self.warned += other.warned;
        self.repeated += other.repeated;
        self.refused.extend(other.refused);
        self.public.extend(other.public);
        self.warnings.extend(other.warnings);
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, clean, warned, repeated, refused, public, warnings: _ } = self;
        let (refused, public) = (refused.len(), public.len());
        write!(f, "{files:>4} files: {clean:>4} clean, {warned:>4} with warnings, {refused} refused; ")?;
        write!(f, "with a public line of the body: {public} (repeated by their authors: {repeated})")
    }
}

/// Reads every SKILL.md in a folder and the folders below it.
pub(super) fn read(folder: &Path) -> Result<Count> {
    let mut count = Count::default();
    let mut paths = Vec::new();
    below(folder, &mut paths)?;
    paths.sort();
    for path in paths {
        count.files += 1;
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        let bytes = fs::read(&path)?;
        match SkillMd::parse(&bytes, &folder, &Wishes::default()) {
            Ok(skill) => add(&skill, &path, &mut count)?,
            Err(error) => count.refused.push(format!("{}: {error}", path.display())),
        }
    }
    Ok(count)
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            below(&entry.path(), found)?;
        } else if kind.is_file() && entry.file_name().eq_ignore_ascii_case("SKILL.md") {
            found.push(entry.path());
        }
    }
    Ok(())
}

fn add(skill: &SkillMd, path: &Path, count: &mut Count) -> Result<()> {
    let card = Card::try_from(skill.descriptor()).with_context(|| path.display().to_string())?;
    for schema in [&card.input_schema, &card.output_schema] {
        Schema::new(schema.clone()).with_context(|| path.display().to_string())?;
    }
    let clean = skill.warnings.is_empty();
    *(if clean { &mut count.clean } else { &mut count.warned }) += 1;
    count.warnings.extend(skill.warnings.iter().map(|warning| format!("{}: {warning}", path.display())));
    let public = texts(&serde_json::to_value(&card)?);
    let lines = skill.body.lines().map(str::trim).filter(|line| line.chars().count() >= LINE);
    let shown: Vec<&str> = lines.filter(|line| public.contains(line)).collect();
    let own = skill.warnings.iter().any(|warning| matches!(warning, Warning::Repeated { .. }));
    match shown.first() {
        // The warning is given only for lines that the frontmatter has.
        Some(_) if own => count.repeated += 1,
        Some(line) => count.public.push(format!("{}: {line}", path.display())),
        None => {}
    }
    Ok(())
}

/// All texts in a value, keys included.
fn texts(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone() + "\n",
        Value::Array(items) => items.iter().map(texts).collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(key, value)| [key.clone(), "\n".to_owned(), texts(value)]).collect()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> Count {
        let folder =
            std::env::temp_dir().join(format!("coworker-corpus-{}-{}", std::process::id(), text.len()));
        fs::create_dir_all(folder.join("inner")).unwrap();
        fs::write(folder.join("inner/SKILL.md"), text).unwrap();
        let count = read(&folder).unwrap();
        fs::remove_dir_all(folder).unwrap();
        count
    }

    #[test]
    fn files_are_counted_by_their_results() {
        let line = "every single order is checked by two people";
        let clean = count(&format!("---\nname: inner\ndescription: x\n---\n{line}"));
        assert_eq!((clean.files, clean.clean, clean.public.len()), (1, 1, 0));
        let repeated = count(&format!("---\nname: inner\ndescription: {line}\n---\n{line}\n"));
        assert_eq!((repeated.warned, repeated.repeated, repeated.public.len()), (1, 1, 0));
        assert_eq!(count("---\n- a\n---\nDo.").refused.len(), 1);
    }

    #[test]
    fn keys_are_texts_too() {
        assert_eq!(texts(&serde_json::json!({ "a": ["b", { "c": 1 }] })), "a\nb\nc\n");
    }
}
