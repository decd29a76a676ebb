use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use clap::{Args, ValueEnum};
use coworker_api::ApiError;
use coworker_policy::{ErrorCode, SkillName};

use crate::context::Context;
use crate::print::{BOLD, CODE, DIM, GOOD, paint};
use crate::report::Report;

/// Create a folder with a new skill that builds and passes its own tests
#[derive(Debug, Args)]
#[command(after_help = "\
Written in another language? Make the component with its own tools, and let `coworker skill build` pack it.")]
pub(crate) struct New {
    /// The name of the skill and of its folder
    name: SkillName,

    /// The language to write it in
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    Rust,
}

impl New {
    pub(crate) fn run(self, context: &Context) -> Result<Report, ApiError> {
        let files = match self.lang {
            Language::Rust => coworker_kit::scaffold(&self.name),
        };
        let dir = Path::new(self.name.as_str());
        fs::create_dir(dir).map_err(|error| refused(dir, &error))?;
        for file in &files {
            let path = dir.join(&file.path);
            write(&path, &file.text).map_err(|error| refused(&path, &error))?;
        }
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let path = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
        let text = text(self.name.as_str(), &paths, context);
        Ok(Report::text(text).field("name", &self.name).field("path", &path).field("files", &paths))
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    // Nothing is ever written over.
    File::create_new(path)?.write_all(text.as_bytes())
}

fn refused(path: &Path, error: &io::Error) -> ApiError {
    let shown = path.display();
    if error.kind() == io::ErrorKind::AlreadyExists {
        return ApiError::new(ErrorCode::Usage, format!("there is already a `{shown}` here"))
            .hint("choose another name, or another folder to stand in");
    }
    ApiError::new(ErrorCode::Usage, format!("cannot make {shown}: {error}"))
}

fn text(name: &str, paths: &[&str], context: &Context) -> String {
    let own = paths.iter().filter(|path| !path.starts_with("sdk/") && !path.starts_with('.'));
    let own: Vec<_> = own.map(|path| format!("  {path}")).collect();
    let next = |command: &str| paint(CODE, &context.command(command));
    format!(
        "{} {} is a skill in Rust\n{}\n  {}\n{} {}\n{} {}",
        paint(GOOD, "✓"),
        paint(BOLD, &format!("{name}/")),
        own.join("\n"),
        paint(DIM, "sdk/, a copy of the SDK: it builds anywhere"),
        paint(DIM, "build it and run its examples:"),
        next(&format!("skill test {name}")),
        paint(DIM, "install it into your agent:   "),
        next(&format!("skill add {name}"))
    )
}
