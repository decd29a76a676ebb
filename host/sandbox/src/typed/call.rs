//! Calls of a plain component: JSON in, a function over values, JSON out.

use std::collections::HashMap;

use coworker_policy::{Descriptor, Text};
use serde_json::Value;
use wasmtime::Store;
use wasmtime::component::types::{ComponentFunc, Type};
use wasmtime::component::{ComponentExportIndex, InstancePre, Val};

use super::Function;
use super::from_json;
use super::to_json::{JsonBuffer, NotJson};
use crate::guest::Guest;
use crate::stopped::{SkillError, Stopped};

/// A plain component that is ready to run.
pub(crate) struct TypedPre {
    pre: InstancePre<Guest>,
    functions: HashMap<String, ComponentExportIndex>,
    descriptors: Vec<Descriptor>,
}

/// The engine does not find an export that the inspection found.
#[derive(Debug, thiserror::Error)]
#[error("the component does not export `{0}`")]
struct Missing(String);

impl TypedPre {
    pub(crate) fn new(pre: InstancePre<Guest>, functions: Vec<Function>) -> wasmtime::Result<Self> {
        let component = pre.component().clone();
        let mut indices = HashMap::new();
        let mut descriptors = Vec::new();
        for Function { descriptor, interface, name } in functions {
            let instance = interface.as_deref().map(|interface| component.get_export_index(None, interface));
            let index = match instance {
                None => component.get_export_index(None, name.as_str()),
                Some(instance) => {
                    instance.and_then(|at| component.get_export_index(Some(&at), name.as_str()))
                }
            };
            indices.insert(descriptor.name.clone(), index.ok_or(Missing(name))?);
            descriptors.push(descriptor);
        }
        Ok(Self { pre, functions: indices, descriptors })
    }

    /// Derived from the types, without running the guest.
    pub(crate) fn describe(&self) -> &[Descriptor] {
        &self.descriptors
    }

    /// Runs the function of `skill`. Fails if its result has more than `max` bytes of JSON.
    pub(crate) async fn call(
        &self,
        store: &mut Store<Guest>,
        skill: &str,
        input: &str,
        max: usize,
    ) -> wasmtime::Result<Result<String, Stopped>> {
        let index = self.functions.get(skill).ok_or_else(|| Missing(skill.to_owned()))?;
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let func = instance.get_func(&mut *store, index).ok_or_else(|| Missing(skill.to_owned()))?;
        let ty = func.ty(&*store);
        let params = match arguments(&ty, input) {
            Ok(params) => params,
            Err(expected) => return Ok(Err(Stopped::Input(expected))),
        };
        let mut results = vec![Val::Bool(false); ty.results().len()];
        func.call_async(&mut *store, &params, &mut results).await?;
        Ok(answer(ty.results().next(), results.pop(), max))
    }
}

fn arguments(ty: &ComponentFunc, input: &str) -> Result<Vec<Val>, String> {
    let Ok(Value::Object(mut members)) = serde_json::from_str(input) else {
        return Err("an object with the parameters by name was expected".to_owned());
    };
    let argument = |(name, ty): (&str, Type)| {
        from_json::member(&ty, members.remove(name))
            .map_err(|expected| format!("`{name}` must be {expected}"))
    };
    let arguments = ty.params().map(argument).collect::<Result<_, _>>()?;
    match members.keys().next() {
        Some(_) => Err("it has members that are no parameters".to_owned()),
        None => Ok(arguments),
    }
}

/// Turns the function's return value into the answer. The error case of a `result` becomes the skill's error,
/// and a function without a return value answers `null`.
fn answer(ty: Option<Type>, val: Option<Val>, max: usize) -> Result<String, Stopped> {
    let (ty, val) = match (ty, val) {
        (Some(Type::Result(ty)), Some(Val::Result(Ok(ok)))) => (ty.ok(), ok.map(|ok| *ok)),
        (Some(Type::Result(ty)), Some(Val::Result(Err(err)))) => {
            return Err(failure(ty.err(), err.as_deref()));
        }
        (ty, val) => (ty, val),
    };
    let (Some(ty), Some(val)) = (ty, val) else { return Ok("null".to_owned()) };
    let mut json = JsonBuffer::new(max);
    json.value(&ty, &val).map_err(|NotJson| Stopped::NotJson)?;
    json.text().map_err(|size| Stopped::OutputTooLarge { size, max })
}

/// The text of the skill's error. An error of another type is written as JSON.
fn failure(ty: Option<Type>, err: Option<&Val>) -> Stopped {
    let text = match (ty, err) {
        (_, Some(Val::String(text))) => Text::sanitized(text).to_string(),
        (Some(ty), Some(err)) => {
            let mut json = JsonBuffer::new(Text::MAX);
            // NaN and infinities end the text, which may be cut off anyway.
            let _ = json.value(&ty, err);
            json.start()
        }
        _ => "it gave no reason".to_owned(),
    };
    Stopped::Skill(SkillError::Other(text))
}
