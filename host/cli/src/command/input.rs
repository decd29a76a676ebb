//! A skill's input: JSON text, `-` for standard input, `@FILE`, or nothing for `{}`.

use std::io::{self, Read};
use std::path::Path;

use coworker_api::ApiError;
use coworker_policy::ErrorCode;
use serde::de::IgnoredAny;

/// Longest input that is read, in bytes. No caller may send as much; the host says by how much it is too long.
const MAX: u64 = 8 * 1024 * 1024;

pub(super) fn read(typed: Option<&str>) -> Result<String, ApiError> {
    let text = match typed {
        None => return Ok("{}".to_owned()),
        Some("-") => drain(io::stdin().lock()).map_err(|error| unreadable("standard input", &error))?,
        Some(text) => match text.strip_prefix('@') {
            Some(path) => file(path).map_err(|error| unreadable(path, &error))?,
            None => text.to_owned(),
        },
    };
    match serde_json::from_str::<IgnoredAny>(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(ApiError::new(ErrorCode::Usage, format!("the input is not JSON: {error}")).hint(
            r#"quote it for the shell, like '{"text": "hello"}'; - reads standard input, @FILE a file"#,
        )),
    }
}

/// Reads the input of a goal: JSON, or any text, which becomes a JSON string.
pub(super) fn loose(typed: &str) -> Result<String, ApiError> {
    let text = match typed.strip_prefix('@') {
        Some(path) => file(path).map_err(|error| unreadable(path, &error))?,
        None if typed == "-" => {
            drain(io::stdin().lock()).map_err(|error| unreadable("standard input", &error))?
        }
        None => typed.to_owned(),
    };
    let is_json = serde_json::from_str::<IgnoredAny>(&text).is_ok();
    Ok(if is_json { text } else { serde_json::Value::from(text).to_string() })
}

/// Reads a plan from a file: the plan itself, or the whole output of `--plan-only --json`.
pub(super) fn plan(path: &Path) -> Result<String, ApiError> {
    let shown = path.display().to_string();
    let text = file(&shown).map_err(|error| unreadable(&shown, &error))?;
    let Ok(serde_json::Value::Object(mut whole)) = serde_json::from_str(&text) else { return Ok(text) };
    Ok(whole.remove("plan").map_or(text, |plan| plan.to_string()))
}

fn file(path: &str) -> io::Result<String> {
    drain(std::fs::File::open(path)?)
}

fn drain(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(MAX).read_to_string(&mut text)?;
    Ok(text)
}

fn unreadable(what: &str, error: &io::Error) -> ApiError {
    ApiError::new(ErrorCode::Usage, format!("cannot read the input from {what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_an_empty_object_and_json_is_kept_as_typed() {
        assert_eq!(read(None).unwrap(), "{}");
        assert_eq!(read(Some(r#"{ "b":1, "a":2 }"#)).unwrap(), r#"{ "b":1, "a":2 }"#);
    }

    #[test]
    fn what_is_not_json_or_not_there_is_wrong_usage() {
        assert_eq!(read(Some("{text: 1}")).unwrap_err().code, ErrorCode::Usage);
        let missing = read(Some("@/nowhere/at/all")).unwrap_err();
        assert_eq!(missing.code, ErrorCode::Usage);
        assert!(missing.message.contains("/nowhere/at/all"), "{missing}");
    }
}
