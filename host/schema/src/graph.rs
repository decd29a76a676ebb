use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use crate::plain::brief;
use crate::{Schema, SchemaError, pattern};

/// The subschemas of a schema, and where a check applies each of them.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// The whole schema comes first.
    pub(crate) nodes: Vec<Node>,
    /// The targets of references.
    referred: BTreeSet<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Node {
    /// Its place in the schema, as a JSON pointer.
    pub(crate) place: String,
    /// Steps that its own keywords take at any value.
    pub(crate) weight: u64,
    /// Steps that its patterns and formats take for every byte of a text.
    pub(crate) text: u64,
    /// Steps that its patterns take for every byte in the name of a property.
    pub(crate) names: u64,
    pub(crate) unique_items: bool,
    /// The tags that its condition requires, if it requires nothing else.
    pub(crate) tags: Option<Vec<(String, String)>>,
    /// The subschemas for named properties.
    pub(crate) properties: HashMap<String, usize>,
    pub(crate) edges: Vec<(Step, usize)>,
}

/// The part of the value that a subschema applies to, seen from the schema that contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To the same value.
    Here,
    /// To the same value, once to decide and once more to explain.
    Choice,
    /// To the same value; its result decides which other subschemas apply.
    Condition,
    /// To the same value, if the condition holds.
    Then,
    /// To the same value, if the condition does not hold.
    Else,
    /// To the value of every property.
    Properties,
    /// To the value of every property that the schema does not name.
    OtherProperties,
    /// To the name of every property.
    Names,
    Item(usize),
    ItemsFrom(usize),
    /// To every item, and once more for each `unevaluated…` that asks which items were evaluated.
    Contains,
    /// To every item or property, and once more for each `unevaluated…` further up.
    Unevaluated,
}

impl Step {
    pub(crate) fn stays(self) -> bool {
        matches!(self, Self::Here | Self::Choice | Self::Condition | Self::Then | Self::Else)
    }
}

impl Node {
    /// Every subschema that it applies. Named properties have no step.
    pub(crate) fn applies(&self) -> impl Iterator<Item = (Option<Step>, usize)> {
        let edges = self.edges.iter().map(|&(step, to)| (Some(step), to));
        edges.chain(self.properties.values().map(|&to| (None, to)))
    }

    /// Whether it asks which items or properties other keywords evaluated.
    pub(crate) fn asks(&self) -> bool {
        self.edges.iter().any(|(step, _)| *step == Step::Unevaluated)
    }
}

impl Graph {
    pub(crate) fn of(schema: &Value) -> Result<Self, SchemaError> {
        let mut reader =
            Reader { schema, graph: Self::default(), known: HashMap::new(), unread: Vec::new(), patterns: 0 };
        reader.node(String::new(), schema);
        while let Some((node, schema)) = reader.unread.pop() {
            reader.read(node, schema)?;
        }
        Ok(reader.graph)
    }

    /// Whether a reference points below `place`.
    pub(crate) fn is_referred_into(&self, place: &str) -> bool {
        let inside = format!("{place}/");
        self.referred.range(inside.clone()..).next().is_some_and(|target| target.starts_with(&inside))
    }
}

struct Reader<'s> {
    schema: &'s Value,
    graph: Graph,
    /// Nodes by their place.
    known: HashMap<String, usize>,
    unread: Vec<(usize, &'s Value)>,
    patterns: usize,
}

impl<'s> Reader<'s> {
    /// Returns the node for the subschema at a place. New nodes are read later.
    fn node(&mut self, place: String, schema: &'s Value) -> usize {
        if let Some(known) = self.known.get(&place) {
            return *known;
        }
        let node = self.graph.nodes.len();
        self.graph.nodes.push(Node { place: place.clone(), weight: 1, ..Node::default() });
        self.known.insert(place, node);
        self.unread.push((node, schema));
        node
    }

    fn read(&mut self, node: usize, schema: &'s Value) -> Result<(), SchemaError> {
        let Value::Object(keywords) = schema else { return Ok(()) };
        self.refuse_unsupported(node, keywords)?;
        for (keyword, value) in keywords {
            self.read_keyword(node, keywords, keyword, value)?;
            self.own_work(node, keyword, value)?;
        }
        Ok(())
    }

    /// Refuses keywords that change the base of references, or that resolve them by the path of the check. The
    /// graph would have to follow those exactly as the validator does.
    fn refuse_unsupported(&self, node: usize, keywords: &Map<String, Value>) -> Result<(), SchemaError> {
        let nested: &[&str] = if node == 0 { &[] } else { &["$id", "$schema", "id"] };
        let keyword = ["$dynamicRef", "$recursiveRef"]
            .iter()
            .chain(nested)
            .find(|keyword| keywords.get(**keyword).is_some_and(Value::is_string));
        match keyword {
            Some(keyword) => {
                Err(SchemaError::Unsupported { place: brief(&self.graph.nodes[node].place), keyword })
            }
            None => Ok(()),
        }
    }

    fn read_keyword(
        &mut self,
        node: usize,
        keywords: &'s Map<String, Value>,
        keyword: &'s str,
        value: &'s Value,
    ) -> Result<(), SchemaError> {
        match keyword {
            "$ref" => self.reference(node, value)?,
            "allOf" => self.list(node, keyword, value, |_| Step::Here),
            "anyOf" | "oneOf" => self.list(node, keyword, value, |_| Step::Choice),
            "prefixItems" => self.list(node, keyword, value, Step::Item),
            "items" if value.is_array() => self.list(node, keyword, value, Step::Item),
            "items" => self.one(node, keyword, value, Step::ItemsFrom(prefix(keywords, "prefixItems"))),
            "additionalItems" => {
                self.one(node, keyword, value, Step::ItemsFrom(prefix(keywords, "items")));
            }
            "contains" => self.one(node, keyword, value, Step::Contains),
            "unevaluatedItems" | "unevaluatedProperties" => self.one(node, keyword, value, Step::Unevaluated),
            "not" => self.one(node, keyword, value, Step::Here),
            "if" => {
                self.graph.nodes[node].tags = crate::tagged::required_by(value);
                self.one(node, keyword, value, Step::Condition);
            }
            "then" => self.one(node, keyword, value, Step::Then),
            "else" => self.one(node, keyword, value, Step::Else),
            "additionalProperties" => self.one(node, keyword, value, Step::OtherProperties),
            "propertyNames" => self.one(node, keyword, value, Step::Names),
            "properties" => self.properties(node, value),
            "patternProperties" => self.map(node, keyword, value, Step::Properties),
            "dependentSchemas" | "dependencies" => self.map(node, keyword, value, Step::Here),
            _ => {}
        }
        Ok(())
    }

    /// Adds the cost of the keyword itself, without its subschemas.
    fn own_work(&mut self, node: usize, keyword: &str, value: &Value) -> Result<(), SchemaError> {
        let node = &mut self.graph.nodes[node];
        match keyword {
            "enum" | "const" | "required" | "dependentRequired" | "dependencies" => {
                node.weight += crate::work::size(value);
            }
            "uniqueItems" => node.unique_items = value == &Value::Bool(true),
            "format" | "contentMediaType" | "contentEncoding" => node.text += 8,
            "pattern" => {
                node.text += pattern::steps(value.as_str().unwrap_or_default());
                self.patterns += 1;
            }
            "patternProperties" => {
                let patterns = value.as_object().into_iter().flatten().map(|(pattern, _)| pattern);
                self.patterns += value.as_object().map_or(0, Map::len);
                // `additionalProperties` and `unevaluatedProperties` ask the same patterns again.
                node.names +=
                    patterns.take(Schema::PATTERNS).map(|name| 3 * pattern::steps(name)).sum::<u64>();
            }
            _ => {}
        }
        // Checked before the next pattern is compiled.
        let (count, max) = (self.patterns, Schema::PATTERNS);
        if count > max { Err(SchemaError::TooManyPatterns { count, max }) } else { Ok(()) }
    }

    fn one(&mut self, node: usize, keyword: &str, value: &'s Value, step: Step) {
        let to = self.below(node, &[keyword], value);
        self.graph.nodes[node].edges.push((step, to));
    }

    fn list(&mut self, node: usize, keyword: &str, value: &'s Value, step: impl Fn(usize) -> Step) {
        for (i, item) in value.as_array().into_iter().flatten().enumerate() {
            let to = self.below(node, &[keyword, &i.to_string()], item);
            self.graph.nodes[node].edges.push((step(i), to));
        }
    }

    fn map(&mut self, node: usize, keyword: &str, value: &'s Value, step: Step) {
        for (name, item) in value.as_object().into_iter().flatten() {
            let to = self.below(node, &[keyword, name], item);
            self.graph.nodes[node].edges.push((step, to));
        }
    }

    fn properties(&mut self, node: usize, value: &'s Value) {
        for (name, item) in value.as_object().into_iter().flatten() {
            let to = self.below(node, &["properties", name], item);
            self.graph.nodes[node].properties.insert(name.clone(), to);
        }
    }

    fn below(&mut self, node: usize, path: &[&str], schema: &'s Value) -> usize {
        let mut place = self.graph.nodes[node].place.clone();
        for name in path {
            place.push('/');
            place.push_str(&escaped(name));
        }
        self.node(place, schema)
    }

    fn reference(&mut self, node: usize, target: &Value) -> Result<(), SchemaError> {
        let text = target.as_str().unwrap_or_default();
        let found = text.strip_prefix('#').and_then(decoded).and_then(|pointer| {
            let schema = self.schema.pointer(&pointer)?;
            Some((pointer, schema))
        });
        let Some((place, schema)) = found else {
            let place = brief(&self.graph.nodes[node].place);
            return Err(SchemaError::Reference { place, target: brief(text) });
        };
        self.graph.referred.insert(place.clone());
        let to = self.node(place, schema);
        self.graph.nodes[node].edges.push((Step::Here, to));
        Ok(())
    }
}

/// The number of leading items that another keyword covers.
fn prefix(keywords: &Map<String, Value>, keyword: &str) -> usize {
    keywords.get(keyword).and_then(Value::as_array).map_or(0, Vec::len)
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Removes the percent-encoding of a fragment. `None` if the result is not UTF-8.
fn decoded(fragment: &str) -> Option<String> {
    let mut parts = fragment.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}
