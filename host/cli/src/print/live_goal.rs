//! A goal while it is carried on.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use coworker_api::ops::{GoalPhase, GoalUpdate, KeyResultInfo, StepInfo, StepPhase};
use coworker_policy::SkillName;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::goal::{agent_name, short};
use super::{BAD, DIM, GOOD, WARN, note, paint};

/// A bar for each key result and a line for each step that runs, where there is a terminal; a line for each step
/// that moves on elsewhere. All on stderr.
#[derive(Default)]
pub(super) struct GoalBars {
    bars: MultiProgress,
    key_results: BTreeMap<SkillName, ProgressBar>,
    steps: BTreeMap<SkillName, ProgressBar>,
    awaited: Vec<String>,
}

impl GoalBars {
    pub(super) fn show(&mut self, update: GoalUpdate) {
        let GoalUpdate { state, key_results, steps, awaited, .. } = update;
        if awaited != self.awaited && !awaited.is_empty() {
            self.say(&format!("{} waiting for the word of {}", paint(WARN, "…"), awaited.join(", ")));
        }
        self.awaited = awaited;
        for step in &steps {
            self.step(step);
        }
        if stderr().is_terminal() && state == GoalPhase::Running {
            for result in &key_results {
                self.key_result(result);
            }
        }
        if !state.is_open() {
            self.clear();
        }
    }

    fn step(&mut self, step: &StepInfo) {
        let named = if step.id == step.skill { String::new() } else { format!("{}: ", step.id) };
        let what = format!("{named}{} by {}", step.skill, agent_name(step));
        if step.state != StepPhase::Running
            && let Some(line) = self.steps.remove(&step.id)
        {
            line.finish_and_clear();
        }
        match step.state {
            StepPhase::Waiting if step.attempts == 0 => {}
            StepPhase::Waiting => self.say(&format!("{} {what}, {}", paint(WARN, "↻"), why(step))),
            StepPhase::Running if stderr().is_terminal() => {
                let spinner = self.bars.add(ProgressBar::new_spinner().with_message(what));
                spinner.enable_steady_tick(Duration::from_millis(120));
                self.steps.insert(step.id.clone(), spinner);
            }
            StepPhase::Running => self.say(&format!("{} {what}", paint(DIM, "▸"))),
            StepPhase::Done => self.say(&format!("{} {what}", paint(GOOD, "✓"))),
            StepPhase::Failed => self.say(&format!("{} {what}, {}", paint(BAD, "✗"), why(step))),
            StepPhase::Skipped => self.say(&format!("{} {what}, skipped", paint(DIM, "-"))),
        }
    }

    fn key_result(&mut self, result: &KeyResultInfo) {
        let bars = &self.bars;
        let bar = self.key_results.entry(result.id.clone()).or_insert_with(|| {
            let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {wide_msg}");
            let bar = ProgressBar::new(1).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bars.add(bar.with_message(short(result.text.as_str(), 80)))
        });
        bar.set_length(result.of as u64);
        bar.set_position(result.done as u64);
    }

    fn say(&self, line: &str) {
        if stderr().is_terminal() {
            // If the terminal is gone there is nobody to tell.
            let _ = self.bars.println(line);
        } else {
            note(line);
        }
    }

    pub(super) fn clear(&mut self) {
        for bar in std::mem::take(&mut self.key_results).into_values() {
            bar.finish_and_clear();
        }
        for line in std::mem::take(&mut self.steps).into_values() {
            line.finish_and_clear();
        }
    }
}

/// Somebody else's words.
fn why(step: &StepInfo) -> String {
    let said = step.why.as_ref().map(|why| short(why.message.as_str(), 120));
    match step.state {
        StepPhase::Waiting => format!("trying again: {}", said.unwrap_or_default()),
        _ => said.unwrap_or_default(),
    }
}
