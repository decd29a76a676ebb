//! What calls were denied lately, so that each thing is written down once and not at every call.

use std::collections::HashMap;

use coworker_policy::PeerId;
use coworker_sandbox::Denied;

/// How long the same denial is not written down again.
const AGAIN_MS: i64 = 10 * 60 * 1000;
/// Denials remembered at most. A guest picks what it asks for: when there are more, none is written down
/// until some are forgotten, so this also bounds the rows of any ten minutes.
const MAX: usize = 1024;
/// Of one caller, so that none uses up the room of the others.
const MAX_OF_CALLER: usize = 128;

/// Whom something was denied, and what: one row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Row {
    caller: Option<PeerId>,
    skill: String,
    capability: &'static str,
    what: String,
}

#[derive(Default)]
pub(crate) struct Denials(HashMap<Row, i64>);

impl Denials {
    /// Whether this denial is to be written down now.
    pub(crate) fn is_news(
        &mut self,
        now_ms: i64,
        caller: Option<PeerId>,
        skill: &str,
        denied: &Denied,
    ) -> bool {
        self.0.retain(|_, at| now_ms.saturating_sub(*at) < AGAIN_MS);
        let row = Row {
            caller,
            skill: skill.to_owned(),
            capability: denied.capability.name(),
            what: denied.what.clone(),
        };
        let of_caller = self.0.keys().filter(|known| known.caller == caller).count();
        if self.0.contains_key(&row) || self.0.len() >= MAX || of_caller >= MAX_OF_CALLER {
            return false;
        }
        self.0.insert(row, now_ms);
        true
    }

    /// After a change of what is granted a denial says something new.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use coworker_policy::Capability;

    use super::*;

    fn denied(what: &str) -> Denied {
        Denied { capability: Capability::Http, what: what.to_owned() }
    }

    #[test]
    fn one_thing_is_news_once_in_a_while() {
        let mut denials = Denials::default();
        assert!(denials.is_news(0, None, "quote", &denied("a")));
        assert!((1..1000).all(|now| !denials.is_news(now, None, "quote", &denied("a"))));
        assert!(denials.is_news(1, None, "other", &denied("a")));
        assert!(denials.is_news(1, Some(PeerId::from_bytes([1; 32])), "quote", &denied("a")));
        assert!(denials.is_news(AGAIN_MS, None, "quote", &denied("a")));
        denials.forget();
        assert!(denials.is_news(AGAIN_MS, None, "quote", &denied("a")));
    }

    #[test]
    fn a_guest_that_always_asks_for_something_else_is_not_written_down_for_ever() {
        let mut denials = Denials::default();
        let (eve, bob) = (PeerId::from_bytes([1; 32]), PeerId::from_bytes([2; 32]));
        let asked = |denials: &mut Denials, caller| {
            (0..10_000).filter(|n| denials.is_news(0, Some(caller), "quote", &denied(&n.to_string()))).count()
        };
        assert_eq!(asked(&mut denials, eve), MAX_OF_CALLER);
        assert_eq!(asked(&mut denials, bob), MAX_OF_CALLER, "the other's own");
        let all: usize = (3..20).map(|n| asked(&mut denials, PeerId::from_bytes([n; 32]))).sum();
        assert_eq!(all, MAX - 2 * MAX_OF_CALLER);
    }
}
