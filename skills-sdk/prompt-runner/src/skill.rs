//! The exports of the component.

use coworker_skill::bindings;
use coworker_skill::llm::{self, Options};
use coworker_skill::{SkillError, call, log};
use serde::Deserialize;
use wasip2::random::random::get_random_u64;

use crate::answer;
use crate::conversation::{FileList, IncludedFile, conversation};
use crate::packed::Packed;

struct Exports;

/// `contract.json`, as it was packed.
#[derive(Deserialize)]
struct Contract {
    name: String,
    version: String,
    description: String,
    when_to_use: String,
    category: String,
    input_schema: String,
    output_schema: String,
}

impl bindings::Guest for Exports {
    fn describe() -> Vec<bindings::Descriptor> {
        let contract: Option<Contract> = Packed::open().and_then(|packed| packed.json("contract.json"));
        contract.map(Into::into).into_iter().collect()
    }

    fn invoke(_: String, input: String) -> Result<String, bindings::SkillError> {
        std::panic::set_hook(Box::new(|panic| log::error(&panic.to_string())));
        invoke(&input).map_err(Into::into)
    }
}

bindings::export!(Exports with_types_in coworker_skill::bindings);

fn invoke(input: &str) -> Result<String, SkillError> {
    call::progress(5, "reading");
    let packed = Packed::open().ok_or_else(incomplete)?;
    let prompt = packed.text("prompt.md").ok_or_else(incomplete)?;
    let list: FileList = packed.json("plan.json").ok_or_else(incomplete)?;
    let read = |path: &String| {
        let text = packed.text(&format!("files/{path}"))?;
        Some(IncludedFile { path: path.clone(), text })
    };
    let files: Vec<IncludedFile> =
        list.included.iter().map(read).collect::<Option<_>>().ok_or_else(incomplete)?;
    let mark = format!("INPUT-{:016x}{:016x}", get_random_u64(), get_random_u64());
    let messages = conversation(&prompt, &files, &list.listed, input, &mark)?;
    call::progress(20, "asking the language model");
    let options = Options { emit: true, ..Options::default() };
    let answer = llm::complete(&messages, options).map_err(|error| {
        // Only the owner sees the cause; the caller gets a fixed sentence.
        log::error(&format!("the language model did not answer: {error}; check it with `coworker llm`"));
        answer::refusal(&error)
    })?;
    if answer.finish == llm::Finish::Length {
        log::warn("the answer is cut short: the call has no tokens left");
    }
    answer::output(&answer)
}

/// Reports missing assets, for example after a tool stripped the component's custom sections.
fn incomplete() -> SkillError {
    log::error("the component has lost its packed files; package the SKILL.md again");
    SkillError::Other("this skill is incomplete".to_owned())
}

impl From<Contract> for bindings::Descriptor {
    fn from(contract: Contract) -> Self {
        let Contract { name, version, description, when_to_use, category, input_schema, output_schema } =
            contract;
        Self { name, version, description, when_to_use, category, input_schema, output_schema }
    }
}
