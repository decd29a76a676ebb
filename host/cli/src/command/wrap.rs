use std::path::{Path, PathBuf};

use clap::Args;
use coworker_api::ApiError;
use coworker_kit::skill_md::Wishes;
use coworker_policy::{Capability, Card, Digest, ErrorCode};
use serde_json::{Value, json};

use super::wished::Wished;
use crate::author::{self, Wrapped};
use crate::context::Context;
use crate::print::{self, BAD, BOLD, CODE, Cell, DIM, GOOD, Table, WARN, bytes, paint, plain};
use crate::report::Report;

/// Bytes of English that are about one token of a model.
const TOKEN: usize = 4;

/// Show what peers would see of a SKILL.md and what stays private; install nothing
#[derive(Debug, Args)]
pub(crate) struct Wrap {
    /// A SKILL.md or its folder
    path: PathBuf,

    /// Show every SKILL.md in the folder and its subfolders
    #[arg(long, conflicts_with_all = ["name", "when_to_use", "version"])]
    scan: bool,

    #[command(flatten)]
    wished: Wished,
}

impl Wrap {
    pub(crate) fn run(self, context: &Context) -> Result<Report, ApiError> {
        if self.scan {
            return scan(&self.path, context);
        }
        let file = author::skill_md(&self.path).ok_or_else(|| absent(&self.path))?;
        let wrapped = Wrapped::open(&file, &self.wished.wishes())?;
        let card = wrapped.card()?;
        let again = format!("{}{}", self.path.display(), self.wished.typed());
        let text = text(&wrapped, &card, &again, context);
        Ok(Report::text(text).fields(&told(&wrapped, &card)))
    }
}

fn absent(path: &Path) -> ApiError {
    let shown = path.display();
    if path.join("skill.toml").is_file() {
        return ApiError::new(ErrorCode::Usage, format!("{shown} is a skill that is built, not a SKILL.md"))
            .suggest("", ["skill".to_owned(), "build".to_owned(), shown.to_string()]);
    }
    let error = ApiError::new(ErrorCode::Usage, format!("there is no SKILL.md in {shown}"));
    if path.is_dir() {
        error.suggest("look further down", ["wrap".to_owned(), shown.to_string(), "--scan".to_owned()])
    } else {
        error
    }
}

/// The report for programs. It has sizes and digests of private text, never the text.
fn told(wrapped: &Wrapped, card: &Card) -> Value {
    let body = wrapped.skill.body.as_bytes();
    let files = wrapped.folder.files.iter().map(|file| {
        json!({ "path": file.path, "bytes": file.bytes.len(), "sha256": Digest::of(&file.bytes).hex() })
    });
    let warnings: Vec<String> = wrapped.warnings.iter().map(ToString::to_string).collect();
    json!({
        "path": wrapped.file,
        "card": card,
        "card_hash": card.hash(),
        "private": {
            "instructions": { "bytes": body.len(), "sha256": Digest::of(body).hex() },
            "files": files.collect::<Vec<_>>(),
        },
        "allowed_tools": wrapped.skill.allowed_tools,
        "warnings": warnings,
    })
}

/// `again` is the rest of the command line as the user typed it.
fn text(wrapped: &Wrapped, card: &Card, again: &str, context: &Context) -> String {
    let mut lines = vec![paint(GOOD, "What peers see, once you expose it"), print::full(card)];
    lines.extend([String::new(), paint(WARN, "What stays here")]);
    lines.extend(stays(wrapped).to_string().lines().map(|line| format!("  {line}")));
    let lent = Capability::Llm.meaning();
    lines.extend([String::new(), format!("It asks for {}: to {lent}.", paint(BOLD, Capability::Llm.name()))]);
    lines.extend(warnings(wrapped));
    let serve = format!("serve {again} --expose {} --from internal", card.name);
    for (why, command) in [("install it:", format!("skill add {again}")), ("or serve it:", serve)] {
        let command = context.command(&command);
        lines.push(format!("  {} {}", paint(DIM, &format!("{why:<12}")), paint(CODE, &command)));
    }
    lines.join("\n")
}

fn stays(wrapped: &Wrapped) -> Table {
    let body = &wrapped.skill.body;
    let about = format!("its instructions, about {} tokens", body.len().div_ceil(TOKEN));
    let mut table = Table::bare();
    let mut row = |path: &str, content: &[u8], about: &str| {
        let sum: String = Digest::of(content).hex().chars().take(12).collect();
        table.row([
            Cell::bold(plain(path)),
            Cell::new(bytes(content.len())),
            Cell::dim(sum),
            Cell::dim(about),
        ]);
    };
    row("SKILL.md", body.as_bytes(), &about);
    for file in &wrapped.folder.files {
        row(&file.path, &file.bytes, if file.is_script() { "never run" } else { "" });
    }
    table
}

/// Notes for the owner, one per line.
pub(crate) fn warnings(wrapped: &Wrapped) -> Vec<String> {
    let mark = paint(WARN, "warning:");
    wrapped.warnings.iter().map(|warning| format!("{mark} {}", plain(&warning.to_string()))).collect()
}

fn scan(dir: &Path, context: &Context) -> Result<Report, ApiError> {
    let files = author::skill_mds(dir);
    if files.is_empty() {
        return Err(ApiError::new(ErrorCode::Usage, format!("there is no SKILL.md in {}", dir.display())));
    }
    let mut table = Table::new(&["NAME", "VERSION", "WARNINGS", "DESCRIPTION", "IN"]);
    let (mut skills, mut refused, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    for file in files {
        let wrapped = Wrapped::open(&file, &Wishes::default());
        match wrapped.and_then(|wrapped| Ok((wrapped.card()?, wrapped))) {
            Ok((card, wrapped)) => {
                table.row([
                    Cell::bold(&card.name),
                    Cell::dim(&card.version),
                    Cell::new(wrapped.warnings.len()),
                    Cell::new(print::first_sentence(card.description.as_str())),
                    Cell::dim(plain(&below(dir, &file))),
                ]);
                skills.push(told(&wrapped, &card));
            }
            Err(error) => {
                lines.push(format!("{} {}", paint(BAD, "✗"), plain(&error.message)));
                refused.push(json!({ "path": file, "error": print::problem(&error) }));
            }
        }
    }
    let more = context.command("wrap PATH");
    lines.push(format!("{} {}", paint(DIM, "all about one of them:"), paint(CODE, &more)));
    let text = format!("{table}\n{}", lines.join("\n"));
    Ok(Report::text(text).field("skills", &skills).field("refused", &refused))
}

/// The folder of a file, from where the search began.
fn below(dir: &Path, file: &Path) -> String {
    let folder = file.parent().unwrap_or(file);
    let below = folder.strip_prefix(dir).unwrap_or(folder).display().to_string();
    if below.is_empty() { ".".to_owned() } else { below }
}
