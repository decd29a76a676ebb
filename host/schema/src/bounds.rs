use crate::graph::{Graph, Step};
use crate::plain::brief;
use crate::{Schema, SchemaError};

/// Refuses a schema whose references alone would make a check long.
///
/// Enters every subschema once, so it takes time in proportion to the schema.
pub(crate) fn check(graph: &Graph) -> Result<(), SchemaError> {
    let mut staying = Expansion::new(graph, Follow::Staying);
    for node in 0..graph.nodes.len() {
        staying.enter(node, 0)?;
    }
    let mut all = Expansion::new(graph, Follow::All);
    all.enter(0, 0)?;
    // The validator keeps, for every `unevaluated…`, a copy of the subschemas that apply to the same value.
    let asking = graph.nodes.iter().enumerate().filter(|(_, node)| node.asks());
    let copies = asking.fold(0_u64, |sum, (node, _)| sum.saturating_add(staying.size(node)));
    if copies > Schema::SUBSCHEMAS { Err(too_branched(graph, 0)) } else { Ok(()) }
}

/// The subschemas that count as part of a schema.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    /// Those that apply to the same value. A reference back to one of them would never end.
    Staying,
    /// All. A reference back counts as one, because the check enters it only with a smaller value.
    All,
}

struct Expansion<'g> {
    graph: &'g Graph,
    follow: Follow,
    seen: Vec<Seen>,
}

#[derive(Clone, Copy)]
enum Seen {
    No,
    /// Being counted now; the current subschema is inside it.
    Open,
    Done {
        size: u64,
        height: usize,
    },
}

impl<'g> Expansion<'g> {
    fn new(graph: &'g Graph, follow: Follow) -> Self {
        Self { graph, follow, seen: vec![Seen::No; graph.nodes.len()] }
    }

    fn size(&self, node: usize) -> u64 {
        if let Seen::Done { size, .. } = self.seen[node] { size } else { 1 }
    }

    /// Counts the subschemas of `node` and their levels. `depth` bounds this recursion, too.
    fn enter(&mut self, node: usize, depth: usize) -> Result<(u64, usize), SchemaError> {
        match self.seen[node] {
            Seen::Done { size, height } => {
                self.deep(node, depth + height)?;
                return Ok((size, height));
            }
            Seen::Open if self.follow == Follow::Staying => {
                return Err(SchemaError::Endless { place: brief(&self.graph.nodes[node].place) });
            }
            Seen::Open => return Ok((1, 1)),
            Seen::No => self.deep(node, depth)?,
        }
        self.seen[node] = Seen::Open;
        let (size, height) = self.count(node, depth)?;
        self.seen[node] = Seen::Done { size, height };
        if size > Schema::SUBSCHEMAS {
            return Err(too_branched(self.graph, node));
        }
        Ok((size, height))
    }

    fn count(&mut self, node: usize, depth: usize) -> Result<(u64, usize), SchemaError> {
        let graph = self.graph;
        let (mut size, mut height) = (1_u64, 1);
        for (step, to) in graph.nodes[node].applies() {
            if self.follow == Follow::All || step.is_some_and(Step::stays) {
                let below = self.enter(to, depth + 1)?;
                size = size.saturating_add(below.0);
                height = height.max(below.1 + 1);
            }
        }
        Ok((size, height))
    }

    fn deep(&self, node: usize, depth: usize) -> Result<(), SchemaError> {
        let max = Schema::DEPTH;
        if depth > max {
            return Err(SchemaError::TooDeep { place: brief(&self.graph.nodes[node].place), max });
        }
        Ok(())
    }
}

fn too_branched(graph: &Graph, node: usize) -> SchemaError {
    SchemaError::TooBranched { place: brief(&graph.nodes[node].place), max: Schema::SUBSCHEMAS }
}
