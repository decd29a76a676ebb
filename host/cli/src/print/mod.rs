//! All that is printed. Colours are written always and taken out where nobody would see them
//! (`NO_COLOR`, a pipe, a file).

mod card;
mod goal;
mod live;
mod live_goal;
mod plain;
mod qr;
mod schema;
mod style;
mod table;
mod time;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use coworker_api::{ApiError, Hint};
use serde_json::{Value, json};

pub(crate) use card::{brief, first_sentence, full, paragraphs};
pub(crate) use goal::{goal, goal_end, plan, short};
pub(crate) use live::Live;
pub(crate) use plain::{json as plain_json, line as plain};
pub(crate) use qr::qr;
pub(crate) use style::{BAD, BOLD, CODE, DIM, GOOD, WARN, badge, bytes, count, listing, paint};
pub(crate) use table::{Cell, Table};
pub(crate) use time::ago;

/// Text on stdout, with a line feed at its end. A reader that closed the pipe has read enough.
pub(crate) fn out(text: &str) {
    let mut stdout = anstream::stdout().lock();
    let _ = writeln!(stdout, "{}", text.trim_end_matches('\n')).and_then(|()| stdout.flush());
}

/// Text on stderr: beside the answer, not part of it.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", text.trim_end_matches('\n'));
}

/// The data directory as the user named it with `--data`: commands that we print name it, too.
static NAMED_DATA: OnceLock<PathBuf> = OnceLock::new();

/// Remembers the data directory that the user named, before anything is printed.
pub(crate) fn name_data(dir: PathBuf) {
    let _ = NAMED_DATA.set(dir);
}

/// The hints of an error in one line. Returns `None` if it has none.
pub(crate) fn hints(error: &ApiError) -> Option<String> {
    let data = NAMED_DATA.get().map(PathBuf::as_path);
    (!error.hints.is_empty()).then(|| Hint::join(&error.hints, data))
}

/// One JSON document on one line of stdout.
pub(crate) fn document(value: &Value) {
    out(&plain::guard(&value.to_string()));
}

/// Prints an error and its hints: JSON on stdout, or text on stderr.
pub(crate) fn failure(error: &ApiError, json: bool) {
    if json {
        document(&json!({ "ok": false, "error": problem(error) }));
        return;
    }
    let mut text = format!("{} {}", paint(BAD, "error:"), message(error));
    if let Some(hint) = hints(error) {
        text = format!("{text}\n  {} {}", paint(BOLD, "hint:"), plain(&hint));
    }
    note(&text);
}

/// Our own messages may have several lines (an excerpt of a file); a peer's could pass for a hint of ours.
fn message(error: &ApiError) -> String {
    if error.from_peer {
        return plain(&error.message);
    }
    error.message.trim_end().lines().map(plain).collect::<Vec<_>>().join("\n    ")
}

/// An error as programs see it.
pub(crate) fn problem(error: &ApiError) -> Value {
    let mut problem = json!({ "code": error.code, "message": error.message });
    if let (Some(hint), Some(fields)) = (hints(error), problem.as_object_mut()) {
        fields.insert("hint".into(), hint.into());
        fields.insert("hints".into(), json!(error.hints));
    }
    problem
}
