use coworker_policy::gate::CheckedOutput;
use coworker_policy::{Digest, Skill, SkillName, Tier};
use coworker_sandbox::{Denied, StateWrite, Usage};
use semver::Version;

use crate::serve::failure::Failure;
use crate::serve::leaks::Watched;

/// The result of a call, with its usage if it ran.
pub(crate) struct Served {
    pub(crate) ending: Result<CheckedOutput, Failure>,
    pub(crate) usage: Option<Usage>,
    /// The skill that served it, if it ran.
    pub(crate) begun: Option<Begun>,
    pub(crate) log: String,
    /// Rules that the guest needed and did not hold.
    pub(crate) denied: Vec<Denied>,
    /// The lowered tier of a delegated call; PRIVILEGED for any other.
    pub(crate) at_most: Tier,
    /// The component whose state the writes belong to, if the call ends well.
    pub(crate) component: Option<Digest>,
    pub(crate) state: Vec<StateWrite>,
    /// The private text that it disclosed; `None` for the owner.
    pub(crate) watched: Option<Watched>,
}

/// The skill that served a call, and the beginning of its run.
pub(crate) struct Begun {
    pub(super) skill: SkillName,
    pub(super) version: Version,
    pub(super) card: Digest,
    pub(super) at_ms: i64,
}

impl Begun {
    pub(super) fn at(at_ms: i64, skill: &Skill) -> Self {
        let card = skill.card();
        let (name, version) = (card.name.clone(), card.version.clone());
        Self { skill: name, version, card: skill.hash(), at_ms }
    }
}

impl Served {
    pub(super) fn without_a_run(failure: Failure) -> Self {
        Self {
            ending: Err(failure),
            usage: None,
            begun: None,
            log: String::new(),
            denied: Vec::new(),
            at_most: Tier::Privileged,
            component: None,
            state: Vec::new(),
            watched: None,
        }
    }
}
