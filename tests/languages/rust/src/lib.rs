//! A skill in Rust with all of the standard library, over WASI. With the SDK it would be shorter, and need no WASI.

use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use coworker::skill::call;
use serde_json::{Value, json};

wit_bindgen::generate!({ path: "wit", world: "skill" });

struct Component;

export!(Component);

impl Guest for Component {
    fn describe() -> Vec<Descriptor> {
        let text = json!({
            "type": "object",
            "properties": { "text": { "type": "string" } },
            "required": ["text"],
            "additionalProperties": false,
        });
        let tidied = json!({
            "type": "object",
            "properties": { "text": { "type": "string" }, "words": { "type": "integer" } },
            "required": ["text", "words"],
        });
        vec![
            skill("tidy", "Puts one space between the words of a text.", &text, &tidied),
            skill("surroundings", "Tells what a skill finds around it.", &json!({}), &json!({ "type": "object" })),
            skill("spin", "Never answers.", &json!({}), &json!({})),
        ]
    }

    fn invoke(skill: String, input: String) -> Result<String, SkillError> {
        let input: Value =
            serde_json::from_str(&input).map_err(|error| SkillError::InvalidInput(error.to_string()))?;
        let answer = match skill.as_str() {
            "tidy" => tidy(input["text"].as_str().unwrap_or_default())?,
            "surroundings" => surroundings(),
            "spin" => spin(),
            other => return Err(SkillError::Other(format!("no skill {other}"))),
        };
        Ok(answer.to_string())
    }
}

fn skill(name: &str, description: &str, takes: &Value, gives: &Value) -> Descriptor {
    Descriptor {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        description: description.to_owned(),
        when_to_use: String::new(),
        category: String::new(),
        input_schema: takes.to_string(),
        output_schema: gives.to_string(),
    }
}

fn tidy(text: &str) -> Result<Value, SkillError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return Err(SkillError::InvalidInput("the text is blank".to_owned()));
    }
    Ok(json!({ "text": words.join(" "), "words": words.len() }))
}

fn surroundings() -> Value {
    let files = std::fs::read_dir("/").into_iter().flatten().flatten();
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    json!({
        "tier": format!("{:?}", call::tier()).rsplit("::").next().map(str::to_lowercase),
        "variables": std::env::vars().map(|(name, _)| name).collect::<Vec<_>>(),
        "arguments": std::env::args().collect::<Vec<_>>(),
        "files": files.map(|file| file.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>(),
        "time": u64::try_from(time.as_millis()).unwrap_or_default(),
        "random": format!("{:x}", RandomState::new().hash_one(())),
    })
}

fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}
