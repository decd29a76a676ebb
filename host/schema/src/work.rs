use serde_json::Value;

use crate::graph::{Graph, Node, Step};
use crate::tagged;

/// The most steps that the validator takes to decide whether `value` fits.
///
/// Stops counting once the sum exceeds `limit`, so that counting is bounded, too.
pub(crate) fn deciding(graph: &Graph, value: &Value, limit: u64) -> u64 {
    let mut count = Count { graph, steps: 0, limit, explaining: false };
    count.at(0, value, Passes { decide: 1, mark: 0 }, 0);
    count.steps
}

/// The most steps below choices that the validator takes to explain why `value` does not fit. There it tries
/// every alternative once more and keeps its errors. Outside of choices it stops at the first error.
///
/// Call it only for a value within the limit of [`deciding`]: it visits as many places.
pub(crate) fn explaining(graph: &Graph, value: &Value, limit: u64) -> u64 {
    let mut count = Count { graph, steps: 0, limit, explaining: true };
    count.at(0, value, Passes { decide: 0, mark: 0 }, 0);
    count.steps
}

/// How often the validator comes to one subschema at one place of the value.
#[derive(Clone, Copy)]
struct Passes {
    decide: u64,
    /// To find the evaluated parts, for an `unevaluated…` further up.
    mark: u64,
}

/// A walk over the schema and the value together, as the validator takes it when nothing fails early. A
/// subschema at one place counts as often as it is reached.
struct Count<'g> {
    graph: &'g Graph,
    steps: u64,
    limit: u64,
    explaining: bool,
}

/// Most subschemas entered one inside the other. The validator uses a few stack frames for each, and an
/// exhausted stack ends the process.
const NESTED: usize = 700;

/// The most parts that a condition may evaluate. The validator decides the condition again for each of them.
const PARTS: u64 = 64;

impl Count<'_> {
    fn at(&mut self, node: usize, value: &Value, passes: Passes, nested: usize) {
        let node = &self.graph.nodes[node];
        self.spend(passes, own(node, value));
        if nested >= NESTED {
            self.steps = u64::MAX;
        }
        let mark = passes.mark + if node.asks() { passes.decide } else { 0 };
        let passes = Passes { mark, ..passes };
        for &(step, to) in &node.edges {
            if self.over() {
                return;
            }
            self.spend(passes, 1);
            self.follow(node, step, to, value, passes, nested + 1);
        }
        self.properties(node, value, passes.decide, nested + 1);
    }

    fn follow(&mut self, node: &Node, step: Step, to: usize, value: &Value, passes: Passes, nested: usize) {
        let Passes { decide, mark } = passes;
        let below = |decide: u64| Passes { decide, mark: 0 };
        match (step, value) {
            (Step::Then, _) if node.tags.as_ref().is_some_and(|tags| !tagged::has(tags, value)) => {}
            (Step::Else, _) if node.tags.as_ref().is_some_and(|tags| tagged::has(tags, value)) => {}
            (Step::Here | Step::Then | Step::Else, _) => {
                self.at(to, value, Passes { decide: decide.saturating_add(mark), mark }, nested);
            }
            (Step::Choice, _) => {
                let decide = decide.saturating_add(mark).saturating_add(self.explaining.into());
                self.at(to, value, Passes { decide, mark }, nested);
            }
            (Step::Condition, _) => {
                let decide = decide.saturating_add(mark.saturating_mul(PARTS));
                self.at(to, value, Passes { decide, mark }, nested);
            }
            (Step::Properties, Value::Object(object)) => {
                self.each(to, object.values(), below(decide), nested);
            }
            (Step::OtherProperties, Value::Object(object)) => {
                let others = object.iter().filter(|(name, _)| !node.properties.contains_key(*name));
                self.each(to, others.map(|(_, value)| value), below(decide), nested);
            }
            (Step::Names, Value::Object(object)) => {
                for name in object.keys() {
                    self.each(to, [&Value::String(name.clone())], below(decide), nested);
                }
            }
            (Step::Item(i), Value::Array(items)) => self.each(to, items.get(i), below(decide), nested),
            (Step::ItemsFrom(start), Value::Array(items)) => {
                self.each(to, items.iter().skip(start), below(decide), nested);
            }
            (Step::Unevaluated, Value::Object(object)) => {
                self.each(to, object.values(), below(decide.saturating_add(mark)), nested);
            }
            (Step::Unevaluated | Step::Contains, Value::Array(items)) => {
                self.each(to, items, below(decide.saturating_add(mark)), nested);
            }
            // The subschema applies to values of another kind.
            (
                Step::Properties
                | Step::OtherProperties
                | Step::Names
                | Step::Item(_)
                | Step::ItemsFrom(_)
                | Step::Contains
                | Step::Unevaluated,
                _,
            ) => {}
        }
    }

    fn properties(&mut self, node: &Node, value: &Value, decide: u64, nested: usize) {
        let Value::Object(object) = value else { return };
        self.spend(Passes { decide, mark: 0 }, node.properties.len() as u64);
        for (name, value) in object {
            if let Some(&to) = node.properties.get(name) {
                self.each(to, [value], Passes { decide, mark: 0 }, nested);
            }
        }
    }

    fn each<'v>(
        &mut self,
        to: usize,
        values: impl IntoIterator<Item = &'v Value>,
        passes: Passes,
        nested: usize,
    ) {
        for value in values {
            if self.over() {
                return;
            }
            self.at(to, value, passes, nested);
        }
    }

    fn spend(&mut self, passes: Passes, steps: u64) {
        let times = passes.decide.saturating_add(passes.mark);
        self.steps = self.steps.saturating_add(times.saturating_mul(steps));
    }

    fn over(&self) -> bool {
        self.steps > self.limit
    }
}

/// Steps that the keywords of one subschema take at `value`, without nested subschemas.
fn own(node: &Node, value: &Value) -> u64 {
    let read = match value {
        Value::String(text) => text_size(text) + node.text * text.len() as u64,
        Value::Object(object) if node.names > 0 => {
            object.keys().map(|name| node.names * (1 + name.len() as u64)).sum()
        }
        Value::Array(items) if node.unique_items => unique(items),
        _ => 0,
    };
    node.weight + read
}

/// The validator finds duplicates by hashes that ignore brackets and most of large numbers. A peer can therefore
/// make many different items with one hash, and the validator compares those with each other. A comparison is
/// cheaper than a step.
fn unique(items: &[Value]) -> u64 {
    let size: u64 = items.iter().map(size).sum();
    let alike = items.iter().filter(|item| can_be_alike(item)).count() as u64;
    size.saturating_add(size.saturating_mul(alike) / 16)
}

fn can_be_alike(item: &Value) -> bool {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    item.is_array() || item.is_object() || item.as_f64().is_some_and(|number| number.abs() >= EXACT)
}

/// The number of values in `value`, itself included, and the steps to read its texts.
pub(crate) fn size(value: &Value) -> u64 {
    match value {
        Value::String(text) => 1 + text_size(text),
        Value::Array(items) => 1 + items.iter().map(size).sum::<u64>(),
        Value::Object(object) => {
            1 + object.iter().map(|(name, value)| text_size(name) + size(value)).sum::<u64>()
        }
        _ => 1,
    }
}

fn text_size(text: &str) -> u64 {
    text.len() as u64 / 16
}
