use std::sync::Arc;

use coworker_policy::Descriptor;
use coworker_policy::gate::Permit;
use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::bindings::SkillPre;
use crate::bindings::coworker::skill::types;
use crate::guest::Guest;
use crate::inspect::World;
use crate::stopped::Stopped;
use crate::typed::TypedPre;

/// Host memory that a value takes while it becomes JSON, per byte of JSON, in the worst common case: a byte in a
/// list is 1⅓ characters of base64 and a whole value of the engine.
const VALUE_PER_BYTE: usize = 32;

/// A component that is compiled and linked.
#[derive(Clone)]
pub(crate) enum Prepared {
    /// World `skill`.
    Skill(SkillPre<Guest>),
    /// Plain functions over values.
    Typed(Arc<TypedPre>),
}

impl Prepared {
    pub(crate) fn new(pre: InstancePre<Guest>, world: World) -> wasmtime::Result<Self> {
        match world {
            World::Skill => SkillPre::new(pre).map(Self::Skill),
            World::Typed(functions) => Ok(Self::Typed(Arc::new(TypedPre::new(pre, functions)?))),
        }
    }

    /// Bytes of host memory that a result may take if at most `output` bytes of JSON may leave.
    pub(crate) fn result_bytes(&self, output: usize) -> usize {
        match self {
            Self::Skill(_) => output,
            Self::Typed(_) => output.saturating_mul(VALUE_PER_BYTE),
        }
    }

    pub(crate) async fn describe(&self, store: &mut Store<Guest>) -> wasmtime::Result<Vec<Descriptor>> {
        match self {
            Self::Skill(skill) => {
                let skill = skill.instantiate_async(&mut *store).await?;
                Ok(skill.call_describe(store).await?.into_iter().map(Descriptor::from).collect())
            }
            Self::Typed(typed) => Ok(typed.describe().to_vec()),
        }
    }

    pub(crate) async fn invoke(
        &self,
        store: &mut Store<Guest>,
        permit: &Permit,
    ) -> wasmtime::Result<Result<String, Stopped>> {
        match self {
            Self::Skill(skill) => {
                let skill = skill.instantiate_async(&mut *store).await?;
                let answer = skill.call_invoke(store, permit.skill(), permit.input()).await?;
                Ok(answer.map_err(|error| Stopped::Skill(error.into())))
            }
            Self::Typed(typed) => {
                typed.call(store, permit.skill(), permit.input(), permit.limits().output_bytes).await
            }
        }
    }
}

impl From<types::Descriptor> for Descriptor {
    fn from(descriptor: types::Descriptor) -> Self {
        Self {
            name: descriptor.name,
            version: descriptor.version,
            description: descriptor.description,
            when_to_use: descriptor.when_to_use,
            category: descriptor.category,
            input_schema: descriptor.input_schema,
            output_schema: descriptor.output_schema,
        }
    }
}
