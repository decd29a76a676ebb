//! Recent denials, so that each is written down once and not at every call.

use std::collections::HashMap;

use coworker_policy::PeerId;
use coworker_sandbox::Denied;

use crate::base::time::MINUTE_MS;

/// Pause before the same denial is written down again.
const AGAIN_MS: i64 = 10 * MINUTE_MS;
/// Denials remembered at most. A guest picks the names that it asks for: when there are more, none is written down
/// until some are forgotten, so this also bounds the rows of any ten minutes.
const MAX: usize = 1024;
/// The same for one caller, so that it does not use up the room of the others.
const MAX_OF_CALLER: usize = 128;

/// One denial, as the audit log tells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Row {
    caller: Option<PeerId>,
    skill: String,
    capability: &'static str,
    what: String,
}

/// Denials under one snapshot of the catalog. After a change of the grants a denial says something new.
#[derive(Default)]
pub(crate) struct Denials {
    generation: u64,
    noted: HashMap<Row, i64>,
}

impl Denials {
    /// True if a denial under the snapshot of this `generation` is to be written down now.
    pub(crate) fn is_news(
        &mut self,
        now_ms: i64,
        generation: u64,
        caller: Option<PeerId>,
        skill: &str,
        denied: &Denied,
    ) -> bool {
        if self.generation < generation {
            *self = Self { generation, noted: HashMap::new() };
        }
        self.noted.retain(|_, at| now_ms.saturating_sub(*at) < AGAIN_MS);
        let row = Row {
            caller,
            skill: skill.to_owned(),
            capability: denied.capability.name(),
            what: denied.what.clone(),
        };
        let of_caller = self.noted.keys().filter(|known| known.caller == caller).count();
        if self.noted.contains_key(&row) || self.noted.len() >= MAX || of_caller >= MAX_OF_CALLER {
            return false;
        }
        self.noted.insert(row, now_ms);
        true
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
    fn a_denial_is_news_once_in_ten_minutes_under_one_catalog() {
        let mut denials = Denials::default();
        assert!(denials.is_news(0, 1, None, "quote", &denied("a")));
        assert!((1..1000).all(|now| !denials.is_news(now, 1, None, "quote", &denied("a"))));
        assert!(denials.is_news(1, 1, None, "other", &denied("a")));
        assert!(denials.is_news(1, 1, Some(PeerId::from_bytes([1; 32])), "quote", &denied("a")));
        assert!(denials.is_news(AGAIN_MS, 1, None, "quote", &denied("a")));
        assert!(denials.is_news(AGAIN_MS, 2, None, "quote", &denied("a")));
    }

    #[test]
    fn a_guest_that_keeps_asking_for_other_things_writes_a_bounded_number_of_rows() {
        let mut denials = Denials::default();
        let (eve, bob) = (PeerId::from_bytes([1; 32]), PeerId::from_bytes([2; 32]));
        let asked = |denials: &mut Denials, caller| {
            (0..10_000)
                .filter(|n| denials.is_news(0, 1, Some(caller), "quote", &denied(&n.to_string())))
                .count()
        };
        assert_eq!(asked(&mut denials, eve), MAX_OF_CALLER);
        assert_eq!(asked(&mut denials, bob), MAX_OF_CALLER, "the other's own");
        let all: usize = (3..20).map(|n| asked(&mut denials, PeerId::from_bytes([n; 32]))).sum();
        assert_eq!(all, MAX - 2 * MAX_OF_CALLER);
    }
}
