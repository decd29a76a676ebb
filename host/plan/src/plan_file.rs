//! The format in which people and models write a plan: agents by the names that the owner gave them.

use coworker_policy::{SkillName, Text, VersionPin};
use serde::Deserialize;

use crate::agent::Agent;
use crate::bounded;
use crate::brief::brief;
use crate::plan::{KeyResult, Plan, Step};
use crate::problem::{PlanError, Problem, StepProblem};
use crate::template::Template;
use crate::visible::VisibleSkills;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    objective: Option<Text>,
    #[serde(deserialize_with = "bounded::list::<_, _, { Plan::KEY_RESULTS }>")]
    key_results: Vec<KeyResult>,
    #[serde(deserialize_with = "bounded::list::<_, _, { Plan::STEPS }>")]
    steps: Vec<FileStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStep {
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
    /// Reads a plan from the JSON of a file. Its agents may have the names that they have in `visible`.
    pub fn read(text: &str, visible: &VisibleSkills) -> Result<Self, PlanError> {
        let file = PlanFile::read(text)?;
        let objective = file.objective.clone();
        let objective = objective.ok_or_else(|| Problem::Unreadable("it has no `objective`".to_owned()))?;
        file.into_plan(objective, |agent| visible.agent(agent))
    }

    /// Reads a plan for a known goal and ignores the objective in the JSON.
    pub(crate) fn read_for(
        objective: Text,
        text: &str,
        agent: impl Fn(&str) -> Option<Agent>,
    ) -> Result<Self, PlanError> {
        PlanFile::read(text)?.into_plan(objective, agent)
    }
}

impl PlanFile {
    fn read(text: &str) -> Result<Self, Problem> {
        if text.len() > Plan::MAX {
            return Err(Problem::TooLarge { size: text.len() });
        }
        serde_json::from_str(text).map_err(|error| Problem::Unreadable(brief(&error.to_string())))
    }

    fn into_plan(self, objective: Text, agent: impl Fn(&str) -> Option<Agent>) -> Result<Plan, PlanError> {
        let Self { key_results, steps, .. } = self;
        let steps = steps.into_iter().map(|step| step.into_step(&agent)).collect::<Result<_, _>>()?;
        Ok(Plan { objective, key_results, steps })
    }
}

impl FileStep {
    fn into_step(self, resolve: &impl Fn(&str) -> Option<Agent>) -> Result<Step, Problem> {
        let Self { id, key_result, agent, skill, version, input, after, text } = self;
        let Some(agent) = resolve(&agent) else {
            let problem = StepProblem::NoAgent(format!("`{}`", brief(&agent)));
            return Err(Problem::Step { step: id, problem });
        };
        Ok(Step { id, key_result, agent, skill, version, input, after, text })
    }
}
