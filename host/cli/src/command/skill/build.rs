use std::path::PathBuf;

use clap::Args;
use coworker_api::ApiError;

use crate::author::{self, Built, Project};
use crate::context::Context;
use crate::print::{self, BOLD, CODE, DIM, GOOD, WARN, bytes, paint};
use crate::report::Report;

/// Build a skill into one file: compile it and pack its skill.toml and assets
#[derive(Debug, Args)]
#[command(after_help = "\
In another language? Make the component with its own tools, then name it in skill.toml and build:
  [build]
  component = \"made.wasm\"")]
pub(crate) struct Build {
    /// The skill's folder
    #[arg(default_value = ".")]
    path: PathBuf,
}

impl Build {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let built = author::build(&Project::open(&self.path)?, false).await?;
        let text = text(&built, &self.path.display().to_string(), context);
        let report = Report::text(text).fields(&built.component);
        Ok(report.field("path", &built.path).field("warnings", &built.warnings))
    }
}

fn text(built: &Built, path: &str, context: &Context) -> String {
    let component = &built.component;
    let file = built.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let size = paint(DIM, &bytes(component.size));
    let mut lines = vec![format!("{} {} {size}", paint(GOOD, "✓"), paint(BOLD, &file))];
    let mut say = |what: &str, is: &str| lines.push(format!("  {} {is}", paint(DIM, &format!("{what:<8}"))));
    say("digest", &component.digest.to_string());
    for (index, skill) in component.skills.iter().enumerate() {
        let what = if index == 0 { "skills" } else { "" };
        let about = print::first_sentence(skill.description.as_str());
        say(what, &format!("{} {}  {}", paint(BOLD, skill.name.as_str()), skill.version, paint(DIM, &about)));
    }
    let imports: Vec<_> = component.imports.iter().map(|import| print::plain(&import.interface)).collect();
    say("imports", &if imports.is_empty() { "nothing".to_owned() } else { imports.join(", ") });
    let mut asks: Vec<_> = component.imports.iter().filter_map(|import| import.capability).collect();
    asks.extend(component.asks.iter().map(|ask| ask.capability));
    asks.sort();
    asks.dedup();
    let asks: Vec<_> = asks.iter().map(|c| format!("{} ({})", c.name(), c.meaning())).collect();
    say("asks for", &if asks.is_empty() { "nothing".to_owned() } else { asks.join(", ") });
    lines.extend(
        built.warnings.iter().map(|told| format!("{} {}", paint(WARN, "warning:"), print::plain(told))),
    );
    for (why, command) in [("try it:    ", "skill test"), ("install it:", "skill add")] {
        let command = context.command(&format!("{command} {path}"));
        lines.push(format!("  {} {}", paint(DIM, why), paint(CODE, &command)));
    }
    lines.join("\n")
}
