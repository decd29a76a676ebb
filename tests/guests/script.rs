//! Guests scripted by a test: each step calls the host once and adds a text to the answer.

use std::fmt::Write as _;

use coworker_sandbox::Outcome;

use crate::harness::{component_of, module};

/// The steps of one guest, as calls of the functions in its `.wat` file.
#[derive(Default)]
pub(crate) struct Script {
    data: String,
    steps: String,
    describe: &'static str,
}

impl Script {
    /// Adds a step with texts as arguments.
    pub(crate) fn step(self, function: &str, texts: &[&str]) -> Self {
        self.step_with(function, texts, &[])
    }

    /// Adds a step with texts and then numbers as arguments.
    pub(crate) fn step_with(mut self, function: &str, texts: &[&str], numbers: &[usize]) -> Self {
        write!(self.steps, "(call ${function}").unwrap();
        for text in texts {
            write!(self.steps, " (i32.const {}) (i32.const {})", 1024 + self.data.len(), text.len()).unwrap();
            self.data.push_str(text);
        }
        for number in numbers {
            write!(self.steps, " (i32.const {number})").unwrap();
        }
        self.steps.push_str(")\n");
        self
    }

    pub(crate) fn raw(mut self, wat: &str) -> Self {
        self.steps.push_str(wat);
        self
    }

    /// A guest that uses keyvalue and config.
    pub(crate) fn state(self) -> Vec<u8> {
        self.build(include_str!("state.wat"), "test:script/state")
    }

    /// A guest that uses the file system.
    pub(crate) fn files(self) -> Vec<u8> {
        self.build(include_str!("folders.wat"), "test:script/files")
    }

    /// A guest that runs its steps while it describes itself, and returns their answers as its description.
    pub(crate) fn describing(mut self) -> Vec<u8> {
        self.describe = include_str!("describing.wat");
        self.files()
    }

    fn build(self, imports: &str, world: &str) -> Vec<u8> {
        let Self { data, steps, describe } = self;
        let shared = include_str!("script.wat");
        let guest = format!(
            "{imports}\n{shared}\n{describe}\n(data (i32.const 1024) \"{data}\")\n(func $script {steps})"
        );
        // Room for long answers.
        let module =
            module(&guest).replace(r#"(memory (export "memory") 2)"#, r#"(memory (export "memory") 64)"#);
        component_of(include_str!("script.wit"), world, &module)
    }
}

/// The answers of the steps.
pub(crate) fn answers(outcome: &Outcome) -> Vec<String> {
    let answer = outcome.result.as_ref().unwrap_or_else(|stopped| panic!("{stopped}"));
    serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}
