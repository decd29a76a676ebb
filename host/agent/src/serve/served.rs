use coworker_policy::gate::{CheckedOutput, Permit};
use coworker_policy::{Digest, Refusal, SkillName, Tier};
use coworker_sandbox::{Denied, StateWrite, Usage};
use semver::Version;

use crate::serve::failure::Failure;
use crate::serve::leaks::Watched;

/// The end of one call.
pub(crate) enum Served {
    /// A gate refused the call, or it ended before its guest ran.
    NotRun(Failure),
    /// The sandbox failed while the guest ran. Parts of the output may have left, so the watch is recorded.
    Broken {
        failure: Failure,
        watched: Option<Watched>,
    },
    Ran(Box<Run>),
}

/// A guest's run, from its permit to its end.
pub(crate) struct Run {
    pub(super) ending: Result<CheckedOutput, Failure>,
    pub(super) begun: Begun,
    pub(super) usage: Usage,
    pub(super) log: String,
    /// Rules that the guest needed and did not hold.
    pub(super) denied: Vec<Denied>,
    /// State that is written if the call ends well.
    pub(super) state: Vec<StateWrite>,
    /// `None` for the owner's own runs, which have no watch.
    pub(super) watched: Option<Watched>,
}

/// The permit of a run, as its record needs it, and the time of its start.
pub(crate) struct Begun {
    pub(super) skill: SkillName,
    pub(super) version: Version,
    pub(super) card: Digest,
    pub(super) component: Digest,
    /// The tier that the call was judged at.
    pub(super) tier: Tier,
    pub(super) at_ms: i64,
}

impl Begun {
    pub(super) fn at(at_ms: i64, permit: &Permit) -> Self {
        let skill = permit.installed();
        Self {
            skill: skill.card().name.clone(),
            version: skill.card().version.clone(),
            card: skill.hash(),
            component: permit.component(),
            tier: permit.tier(),
            at_ms,
        }
    }
}

impl Served {
    pub(crate) fn ending(&self) -> Result<&CheckedOutput, &Failure> {
        match self {
            Self::NotRun(failure) | Self::Broken { failure, .. } => Err(failure),
            Self::Ran(run) => run.ending.as_ref(),
        }
    }

    /// `None` if the guest did not run to an end.
    pub(crate) fn usage(&self) -> Option<&Usage> {
        self.run().map(|run| &run.usage)
    }

    /// The lines that the guest wrote.
    pub(crate) fn log(&self) -> &str {
        self.run().map_or("", |run| &run.log)
    }

    pub(crate) fn denied(&self) -> &[Denied] {
        self.run().map_or(&[], |run| &run.denied)
    }

    pub(super) fn run(&self) -> Option<&Run> {
        match self {
            Self::Ran(run) => Some(run),
            Self::NotRun(_) | Self::Broken { .. } => None,
        }
    }

    /// The refusal of a call that did not run.
    pub(super) fn refusal_before_run(&self) -> Option<&Refusal> {
        match self {
            Self::NotRun(Failure::Refused(refusal)) => Some(refusal),
            Self::NotRun(_) | Self::Broken { .. } | Self::Ran(_) => None,
        }
    }

    /// Replaces the ending, for a call that was stopped from outside.
    pub(super) fn ended_by(self, failure: Failure) -> Self {
        match self {
            Self::NotRun(_) => Self::NotRun(failure),
            Self::Broken { watched, .. } => Self::Broken { failure, watched },
            Self::Ran(run) => Self::Ran(Box::new(Run { ending: Err(failure), ..*run })),
        }
    }
}
