use coworker_model::{BadKey, BadUrl, Endpoint, Key, ModelError, Settings, Timeouts};
use coworker_policy::ErrorCode;

use super::chosen::Model;
use super::key_from::KeyFrom;
use crate::base::config::LlmConfig;
use crate::base::environment::Environment;
use crate::base::error::OpError;
use crate::base::home::{Home, HomeError};

/// Providers that are used if their key is in the environment and the configuration names no model: the variable, the
/// address, and a model.
const KNOWN: [(&str, &str, &str); 2] = [
    ("DEEPSEEK_API_KEY", "https://api.deepseek.com/v1", "deepseek-chat"),
    ("OPENAI_API_KEY", "https://api.openai.com/v1", "gpt-4o-mini"),
];

/// The owner's choice of a model, read at the start.
#[derive(Debug)]
pub(crate) enum Setup {
    Absent,
    /// Skills have no model; the owner is told why.
    Unready(SetupError),
    Ready(Model),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error("the environment variable {0} holds no key")]
    NoKey(String),
    #[error("{0} does not hold a valid key for a model")]
    BadKey(KeyFrom, #[source] BadKey),
    #[error("the model's address is not valid")]
    Address(#[from] BadUrl),
    #[error("the key of the model cannot be read")]
    File(#[from] HomeError),
    #[error("the client for the model cannot be made")]
    Model(#[from] ModelError),
}

impl Setup {
    pub(crate) fn of(home: &Home, config: Option<&LlmConfig>) -> Self {
        let chosen = match config {
            Some(config) => configured(home, config).map(Some),
            None => found(home.environment()),
        };
        match chosen {
            Ok(Some(model)) => Self::Ready(model),
            Ok(None) => Self::Absent,
            Err(error) => Self::Unready(error),
        }
    }

    pub(crate) fn ready(&self) -> Option<&Model> {
        if let Self::Ready(model) = self { Some(model) } else { None }
    }

    /// The model, for an operation that needs one.
    pub(crate) fn wanted(&self) -> Result<&Model, OpError> {
        match self {
            Self::Ready(model) => Ok(model),
            Self::Unready(error) => Err(error.told()),
            Self::Absent => Err(OpError::new(ErrorCode::Usage, "no language model is set up").hint(FIX)),
        }
    }
}

const FIX: &str =
    "set one in config.toml: [llm] with base_url and model, or set OPENAI_API_KEY or DEEPSEEK_API_KEY";

impl SetupError {
    /// The error for the owner, with its fix.
    pub(crate) fn told(&self) -> OpError {
        let error = OpError { code: ErrorCode::Usage, ..OpError::fault(self) };
        let fix = match self {
            Self::NoKey(name) => {
                format!("set {name} where coworker is started, or take `key_env` out of config.toml")
            }
            Self::BadKey(KeyFrom::File, _) | Self::File(_) => {
                return error.suggest("write it again", ["llm", "set-key"]);
            }
            Self::BadKey(..) => "set it to the key and nothing else".to_owned(),
            Self::Address(_) | Self::Model(_) => "correct [llm] in config.toml".to_owned(),
        };
        error.hint(fix)
    }
}

fn configured(home: &Home, config: &LlmConfig) -> Result<Model, SetupError> {
    let (text, from) = match &config.key_env {
        Some(name) => {
            let value = home.environment().value(name).ok_or_else(|| SetupError::NoKey(name.clone()))?;
            (Some(value.into()), KeyFrom::Environment(name.clone()))
        }
        None => match home.model_key()? {
            Some(text) => (Some(text), KeyFrom::File),
            None => (None, KeyFrom::Nowhere),
        },
    };
    let parsed = text.map(|text| text.parse::<Key>()).transpose();
    let key = parsed.map_err(|bad| SetupError::BadKey(from.clone(), bad))?;
    let settings = Settings {
        base_url: config.base_url.clone(),
        model: config.model.clone(),
        key,
        timeout: Timeouts::default(),
    };
    Ok(Model::new(Endpoint::new(settings)?, config.prices, from))
}

fn found(environment: Environment) -> Result<Option<Model>, SetupError> {
    let held = |(name, base, model)| environment.value(name).map(|value| (name, base, model, value));
    let Some((name, base, model, value)) = KNOWN.into_iter().find_map(held) else { return Ok(None) };
    let from = KeyFrom::Environment(name.to_owned());
    let value = zeroize::Zeroizing::new(value);
    let key = value.parse::<Key>().map_err(|bad| SetupError::BadKey(from.clone(), bad))?;
    let settings = Settings {
        base_url: base.parse()?,
        model: model.to_owned(),
        key: Some(key),
        timeout: Timeouts::default(),
    };
    Ok(Some(Model::new(Endpoint::new(settings)?, None, from)))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn home(environment: fn(&str) -> Option<String>) -> (TempDir, Home) {
        let dir = TempDir::new().unwrap();
        let home = Home::new(dir.path()).in_environment(Environment::read_by(environment));
        (dir, home)
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn all(name: &str) -> Option<String> {
        (name != "BLANK").then(|| format!("key-of-{name}"))
    }

    fn only_openai(name: &str) -> Option<String> {
        match name {
            "OPENAI_API_KEY" => Some("sk-1".to_owned()),
            "DEEPSEEK_API_KEY" => Some(" ".to_owned()),
            _ => None,
        }
    }

    fn config(key_env: Option<&str>) -> LlmConfig {
        LlmConfig {
            base_url: "http://127.0.0.1:9/v1".parse().unwrap(),
            model: "tiny".to_owned(),
            key_env: key_env.map(str::to_owned),
            prices: None,
        }
    }

    fn used(setup: &Setup) -> (&str, KeyFrom) {
        let model = setup.ready().unwrap_or_else(|| panic!("{setup:?}"));
        (model.endpoint().model(), model.key().clone())
    }

    #[test]
    fn without_a_configuration_a_key_in_the_environment_chooses_the_model() {
        assert!(matches!(Setup::of(&home(nothing).1, None), Setup::Absent));
        let environment = |name: &str| KeyFrom::Environment(name.to_owned());
        let setup = Setup::of(&home(all).1, None);
        assert_eq!(used(&setup), ("deepseek-chat", environment("DEEPSEEK_API_KEY")));
        let setup = Setup::of(&home(only_openai).1, None);
        assert_eq!(used(&setup), ("gpt-4o-mini", environment("OPENAI_API_KEY")));
    }

    #[test]
    fn a_configured_model_uses_the_key_that_it_names_and_no_other() {
        let (_dir, home) = home(all);
        assert_eq!(used(&Setup::of(&home, Some(&config(None)))), ("tiny", KeyFrom::Nowhere));
        let named = Setup::of(&home, Some(&config(Some("MINE"))));
        assert_eq!(used(&named), ("tiny", KeyFrom::Environment("MINE".to_owned())));
        let unready = Setup::of(&home, Some(&config(Some("BLANK"))));
        let told = unready.wanted().unwrap_err();
        assert_eq!(told.message, "the environment variable BLANK holds no key");
        home.keep_model_key(Some(&"sk-2".parse().unwrap())).unwrap();
        assert_eq!(used(&Setup::of(&home, Some(&config(None)))), ("tiny", KeyFrom::File));
        home.keep_model_key(None).unwrap();
        home.keep_model_key(None).unwrap();
        assert_eq!(used(&Setup::of(&home, Some(&config(None)))), ("tiny", KeyFrom::Nowhere));
    }

    #[test]
    fn an_invalid_key_is_not_repeated_in_the_error() {
        let setup = Setup::of(&home(|_| Some("two words".to_owned())).1, None);
        let told = setup.wanted().unwrap_err();
        assert!(!format!("{told:?} {setup:?}").contains("two"), "{told:?}");
    }
}
