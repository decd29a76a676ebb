//! Turns the model's answer, or its failure, into the skill's result.

use coworker_skill::SkillError;
use coworker_skill::llm::{Completion, Finish, LlmError};
use serde_json::json;

const NO_ANSWER: &str = "the language model gave no answer";

/// Makes the skill's output: `{"result": text}`.
///
/// # Errors
/// If the answer is empty or was filtered.
pub fn output(answer: &Completion) -> Result<String, SkillError> {
    let text = answer.text.trim();
    match answer.finish {
        Finish::Filtered => Err(SkillError::Denied("the language model declines to answer this".to_owned())),
        _ if text.is_empty() => Err(SkillError::Other(NO_ANSWER.to_owned())),
        Finish::Stop | Finish::Length => Ok(json!({ "result": text }).to_string()),
    }
}

/// Makes the error for the caller. The text is fixed, so nothing of the host or the provider leaks.
pub fn refusal(error: &LlmError) -> SkillError {
    match error {
        LlmError::Denied(_) => SkillError::Denied(
            "this skill works with its owner's language model, which callers of your tier may not use"
                .to_owned(),
        ),
        LlmError::OverBudget(_) => SkillError::Unavailable(
            "the language model's budget for such calls is used up for now".to_owned(),
        ),
        LlmError::Unavailable(_) => {
            SkillError::Unavailable("the language model of this skill does not answer now".to_owned())
        }
        LlmError::Invalid(_) => {
            SkillError::InvalidInput("the input is too long for the skill's language model".to_owned())
        }
        LlmError::Other(_) => SkillError::Other(NO_ANSWER.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str, finish: Finish) -> Completion {
        Completion { text: text.into(), finish, input_tokens: 1, output_tokens: 1 }
    }

    #[test]
    fn an_answer_is_one_text() {
        assert_eq!(output(&answer(" a \"b\"\n", Finish::Stop)).unwrap(), r#"{"result":"a \"b\""}"#);
        assert_eq!(output(&answer("cut", Finish::Length)).unwrap(), r#"{"result":"cut"}"#);
        assert!(matches!(output(&answer(" ", Finish::Stop)), Err(SkillError::Other(_))));
        assert!(matches!(output(&answer("x", Finish::Filtered)), Err(SkillError::Denied(_))));
    }

    #[test]
    fn the_hosts_text_does_not_reach_a_caller() {
        const HOST_TEXT: &str = "the provider at 10.0.0.1 says 401";
        for error in [
            LlmError::Denied(HOST_TEXT.into()),
            LlmError::OverBudget(HOST_TEXT.into()),
            LlmError::Unavailable(HOST_TEXT.into()),
            LlmError::Invalid(HOST_TEXT.into()),
            LlmError::Other(HOST_TEXT.into()),
        ] {
            assert!(!refusal(&error).to_string().contains("401"), "{error:?}");
        }
        assert!(matches!(refusal(&LlmError::Unavailable(HOST_TEXT.into())), SkillError::Unavailable(_)));
    }
}
