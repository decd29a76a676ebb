//! Capabilities and their rules, as they are typed.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use coworker_api::ApiError;
use coworker_policy::{Capability, ErrorCode, Grant, Tier};

/// Examples of rules, for the help of every command that takes one.
pub(super) const RULES: &str = "\
Rules, each in quotes:
  http     'GET https://api.example.com/v1/*'   METHOD scheme://host[:port]/path
           '* https://*.example.com/* private'  any method, all below; `private`: your networks
  files    'read /home/ada/prices'              the whole path of a folder
           'write /home/ada/reports'            what may be written may be read
  secrets  'API_KEY https://api.example.com'    put into requests to that place and no other
  peers    'ada/quote'                          one skill of a peer; 'ada/*' for all that it has
  llm      no rule                              your language model, within the limits of policy.toml
  state    no rule                              callers have their own from KNOWN up without a grant";

/// The name of a capability on the command line.
pub(super) fn parser() -> impl TypedValueParser<Value = Capability> {
    let named = |name: String| Capability::ALL.into_iter().find(|c| c.name() == name).ok_or("no capability");
    PossibleValuesParser::new(Capability::ALL.map(Capability::name)).try_map(named)
}

/// A placeholder for a peer that is named by its name; the agent resolves it.
const SOME_PEER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Examples of rules, for capabilities that are granted by rules.
fn example(capability: Capability) -> Option<&'static str> {
    match capability {
        Capability::Http => Some("GET https://HOST/PATH"),
        Capability::Files => Some("read /FOLDER"),
        Capability::Secrets => Some("NAME https://HOST"),
        Capability::Peers => Some("PEER/skill"),
        _ => None,
    }
}

/// The lowest tier that has a capability, if the owner grants it without another word. `None` for what
/// cannot be granted.
pub(super) fn usual_tier(capability: Capability) -> Option<Tier> {
    let to: Vec<String> = example(capability).map(str::to_owned).into_iter().collect();
    Grant::new(capability, &with_ids(capability, &to), None).ok().map(|grant| grant.lowest())
}

/// The rules as they might be written, for looking at their form.
fn with_ids(capability: Capability, to: &[String]) -> Vec<String> {
    let with_id = |rule: &String| match rule.rsplit_once('/') {
        Some((peer, skill)) if !peer.trim().is_empty() => format!("{SOME_PEER}/{skill}"),
        _ => rule.clone(),
    };
    if capability == Capability::Peers { to.iter().map(with_id).collect() } else { to.to_vec() }
}

/// The arguments after `skill grant NAME`.
pub(super) fn to_type(capability: Capability) -> String {
    example(capability).map_or_else(|| capability.to_string(), |rule| line(capability, rule))
}

/// A capability and one rule for a command line. A guest may have chosen the rule, so it is quoted.
pub(crate) fn line(capability: impl std::fmt::Display, rule: &str) -> String {
    if rule.is_empty() { capability.to_string() } else { format!("{capability} {}", quoted(rule)) }
}

/// Quotes any text as one word for a shell.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Checks the rules before anything changes.
pub(super) fn check(capability: Capability, to: &[String], from: Option<Tier>) -> Result<(), ApiError> {
    let Err(error) = Grant::new(capability, &with_ids(capability, to), from) else { return Ok(()) };
    let error = ApiError::new(ErrorCode::Usage, error.to_string());
    // Two words without quotes are two rules.
    let unquoted = to.len() > 1 && !to.iter().any(|rule| rule.contains(' '));
    Err(match example(capability) {
        Some(_) if unquoted => {
            error.hint(format!("put a rule in quotes: {}", line(capability, &to.join(" "))))
        }
        Some(rule) => error.hint(format!("a rule looks like this: {}", line(capability, rule))),
        None => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_that_takes_rules_has_an_example_that_is_one() {
        let tiers = Capability::ALL.map(|capability| (capability, usual_tier(capability)));
        let granted: Vec<_> = tiers.into_iter().filter_map(|(c, tier)| Some((c, tier?))).collect();
        let expected = [
            (Capability::State, Tier::Known),
            (Capability::Http, Tier::Internal),
            (Capability::Secrets, Tier::Internal),
            (Capability::Llm, Tier::Internal),
            (Capability::Files, Tier::Internal),
            (Capability::Peers, Tier::Privileged),
        ];
        assert_eq!(granted, expected);
    }

    #[test]
    fn a_rule_is_one_word_of_a_shell_whoever_wrote_it() {
        let hostile = "GET https://x.example/';touch /tmp/owned;'";
        assert_eq!(line("http", hostile), r"http 'GET https://x.example/'\'';touch /tmp/owned;'\'''");
        assert_eq!(line("state", ""), "state");
    }

    #[test]
    fn a_peer_may_be_typed_by_its_name() {
        let typed = |rule: &str| check(Capability::Peers, &[rule.to_owned()], None);
        let id = SOME_PEER.to_owned() + "/*";
        assert!(
            ["ada/quote", "ada/*", "Ada of the mill/quote", &id].into_iter().all(|rule| typed(rule).is_ok())
        );
        for wrong in ["ada", "/quote", "ada/", "ada/Quote", "*"] {
            assert!(
                crate::print::hints(&typed(wrong).unwrap_err()).unwrap().contains("peers 'PEER/skill'"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_rule_without_quotes_is_told_with_them() {
        let to = ["GET", "https://api.example.com/*"].map(str::to_owned);
        let error = check(Capability::Http, &to, None).unwrap_err();
        assert_eq!(
            crate::print::hints(&error).unwrap(),
            "put a rule in quotes: http 'GET https://api.example.com/*'"
        );
        assert!(
            crate::print::hints(&check(Capability::Http, &to[..0], None).unwrap_err())
                .unwrap()
                .contains("looks like")
        );
        assert!(check(Capability::Llm, &to, None).unwrap_err().message.contains("takes no list"));
    }
}
