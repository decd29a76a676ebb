//! A plan as people and models write it: agents by the names that the owner gave them.

use coworker_policy::{SkillName, Text, VersionPin};
use serde::Deserialize;

use crate::agent::Agent;
use crate::bounded;
use crate::plan::{KeyResult, Plan, Step};
use crate::problem::{Fault, PlanError, Problem, brief};
use crate::shown::Shown;
use crate::template::Template;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    objective: Option<Text>,
    #[serde(deserialize_with = "bounded::list::<_, _, { Plan::KEY_RESULTS }>")]
    key_results: Vec<KeyResult>,
    #[serde(deserialize_with = "bounded::list::<_, _, { Plan::STEPS }>")]
    steps: Vec<DraftStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftStep {
    id: SkillName,
    key_result: SkillName,
    agent: String,
    skill: SkillName,
    #[serde(default)]
    version: Option<VersionPin>,
    input: Template,
    #[serde(default, deserialize_with = "bounded::list::<_, _, { Plan::STEPS }>")]
    after: Vec<SkillName>,
    #[serde(default)]
    text: Text,
}

impl Plan {
    /// Reads a plan from the JSON of a file, where agents may be named as `shown` names them.
    pub fn read(text: &str, shown: &Shown) -> Result<Self, PlanError> {
        let draft = Draft::read(text)?;
        let objective = draft.objective.clone();
        let objective = objective.ok_or_else(|| Problem::Unreadable("it has no `objective`".to_owned()))?;
        draft.named(objective, |agent| shown.agent(agent))
    }

    /// Reads the JSON of a plan for a goal that is known, whatever is said of it there.
    pub(crate) fn read_for(
        objective: Text,
        text: &str,
        named: impl Fn(&str) -> Option<Agent>,
    ) -> Result<Self, PlanError> {
        Draft::read(text)?.named(objective, named)
    }
}

impl Draft {
    fn read(text: &str) -> Result<Self, Problem> {
        if text.len() > Plan::MAX {
            return Err(Problem::TooLarge { size: text.len() });
        }
        serde_json::from_str(text).map_err(|error| Problem::Unreadable(brief(&error.to_string())))
    }

    fn named(self, objective: Text, named: impl Fn(&str) -> Option<Agent>) -> Result<Plan, PlanError> {
        let Self { key_results, steps, .. } = self;
        let steps = steps.into_iter().map(|step| step.named(&named)).collect::<Result<_, _>>()?;
        Ok(Plan { objective, key_results, steps })
    }
}

impl DraftStep {
    fn named(self, named: &impl Fn(&str) -> Option<Agent>) -> Result<Step, Problem> {
        let Self { id, key_result, agent, skill, version, input, after, text } = self;
        let Some(agent) = named(&agent) else {
            let fault = Fault::NoAgent(format!("`{}`", brief(&agent)));
            return Err(Problem::Step { step: id, fault });
        };
        Ok(Step { id, key_result, agent, skill, version, input, after, text })
    }
}
