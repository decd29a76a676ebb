//! Shows updates of a running call beside its answer.

use std::io::{IsTerminal as _, Write as _, stderr};

use coworker_api::Update;
use indicatif::{ProgressBar, ProgressStyle};

use super::live_goal::GoalBars;
use super::{DIM, document, note, paint, plain};

/// For people on stderr: a bar where there is a terminal, and the parts of the output as they come. For
/// programs that want to hear it a document per line on stdout, before that of the answer.
pub(crate) struct Live {
    json: bool,
    stream: bool,
    bar: Option<ProgressBar>,
    goal: GoalBars,
    /// The last line has no end yet.
    open: bool,
}

impl Live {
    pub(crate) fn new(json: bool, stream: bool) -> Self {
        Self { json, stream, bar: None, goal: GoalBars::default(), open: false }
    }

    pub(crate) fn show(&mut self, update: Update) {
        if self.json {
            // An update is plain data with text as keys: it always serialises.
            let shown = self.stream.then(|| serde_json::to_value(&update).unwrap_or_default());
            return shown.iter().for_each(document);
        }
        match update {
            Update::Progress { percent, note, .. } => self.progress(percent, note.as_str()),
            Update::Partial { part, .. } => self.part(&part),
            Update::Goal(update) => self.goal.show(*update),
            // Only `Follow` sends events, and its command prints them itself.
            Update::Event(_) => {}
        }
    }

    fn progress(&mut self, percent: u8, said: &str) {
        let said = plain(said);
        if !stderr().is_terminal() {
            if std::mem::take(&mut self.open) {
                note("");
            }
            return note(format!("{percent} % {said}").trim_end());
        }
        // Text that streams is progress enough, and a bar would be drawn over it.
        if !self.open {
            let bar = self.bar.get_or_insert_with(bar);
            bar.set_position(u64::from(percent));
            bar.set_message(said);
        }
    }

    /// A skill's text may contain anything: of its control characters only line feeds are kept.
    fn part(&mut self, part: &str) {
        self.clear();
        let lines: Vec<_> = part.split('\n').map(|line| paint(DIM, &plain(line))).collect();
        let mut stderr = anstream::stderr().lock();
        // If the terminal is gone there is nobody to tell.
        let _ = write!(stderr, "{}", lines.join("\n")).and_then(|()| stderr.flush());
        self.open = !part.ends_with('\n');
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.clear();
        self.goal.clear();
        if self.open {
            note("");
        }
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {percent:>3} % {wide_msg}");
    ProgressBar::new(100).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
