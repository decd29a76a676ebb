use std::str::FromStr;

use coworker_api::ApiError;
use coworker_api::ops::ComponentInfo;
use coworker_policy::{Capability, ErrorCode, FileRule, Grant};

use super::rule;
use crate::print;

/// `--allow CAPABILITY[=RULE]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allow {
    pub(super) capability: Capability,
    /// One rule, or none.
    pub(super) to: Vec<String>,
}

impl FromStr for Allow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rule) = text.split_once('=').map_or((text, None), |(name, rule)| (name, Some(rule)));
        let capability = Capability::ALL.into_iter().find(|capability| capability.name() == name);
        let capability =
            capability.ok_or("write CAPABILITY=RULE, such as 'http=GET https://api.example.com/*'")?;
        Ok(Self { capability, to: rule.map(str::to_owned).into_iter().collect() })
    }
}

impl Allow {
    /// Before anything is installed: a grant that would be refused afterwards would leave half of what was
    /// wanted.
    pub(super) fn check(&self, component: &ComponentInfo) -> Result<(), ApiError> {
        rule::check(self.capability, &self.to, None)?;
        // A secret goes into web requests only, and is no import of its own.
        let needed = if self.capability == Capability::Secrets { Capability::Http } else { self.capability };
        if component.imports.iter().any(|import| import.capability == Some(needed)) {
            return self.check_folders();
        }
        let message = format!("the component does not import {needed}, so it could never use it");
        Err(ApiError::new(ErrorCode::Usage, message).hint(format!("leave out --allow {}", self.capability)))
    }

    fn check_folders(&self) -> Result<(), ApiError> {
        let rules = self.to.iter().filter(|_| self.capability == Capability::Files);
        let folders = rules.filter_map(|rule| rule.parse::<FileRule>().ok());
        match folders.into_iter().find(|rule| !rule.path().is_dir()) {
            None => Ok(()),
            Some(rule) => {
                let message =
                    format!("there is no folder {}", print::plain(&rule.path().display().to_string()));
                Err(ApiError::new(ErrorCode::Usage, message).hint("make it first"))
            }
        }
    }

    /// Its rule, fit for a terminal.
    pub(super) fn rule(&self) -> String {
        let rule = print::plain(&self.to.join(", "));
        let grant = Grant::new(self.capability, &self.to, None);
        let private = grant.is_ok_and(|grant| grant.allows_private());
        if private { format!("{rule} (reaches your own machine or network)") } else { rule }
    }

    pub(super) fn told(&self) -> String {
        format!("{} {}", self.capability, self.rule())
    }

    /// As it is typed.
    pub(super) fn typed(&self) -> String {
        match self.to.first() {
            Some(rule) => format!("--allow {}={}", self.capability, rule::quoted(rule)),
            None => format!("--allow {}", self.capability),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_may_have_the_equals_sign_in_it() {
        let allow: Allow = "http=GET https://api.example.com/a=b".parse().unwrap();
        assert_eq!(allow.to, ["GET https://api.example.com/a=b"]);
        let local: Allow = "http=GET http://127.0.0.1/".parse().unwrap();
        assert!(local.rule().contains("your own machine") && !allow.rule().contains("your own machine"));
        assert_eq!("state".parse::<Allow>().unwrap().to, [""; 0]);
        assert!("htp=GET https://api.example.com/".parse::<Allow>().unwrap_err().contains("CAPABILITY=RULE"));
    }
}
