use super::graph::{Graph, Step};
use super::{Schema, SchemaError, brief};

/// Refuses what would let the work of a check grow with the references of the schema alone.
///
/// Takes time in proportion to the schema: every subschema is entered once.
pub(super) fn check(graph: &Graph) -> Result<(), SchemaError> {
    let mut staying = Expansion::new(graph, Follow::Staying);
    for node in 0..graph.nodes.len() {
        staying.enter(node, 0)?;
    }
    let mut all = Expansion::new(graph, Follow::All);
    all.enter(0, 0)?;
    // Every `unevaluated…` keeps a copy of what its schema applies to the same value.
    let asking = graph.nodes.iter().enumerate().filter(|(_, node)| node.asks());
    let copies = asking.fold(0_u64, |sum, (node, _)| sum.saturating_add(staying.size(node)));
    if copies > Schema::SUBSCHEMAS { Err(too_branched(graph, 0)) } else { Ok(()) }
}

/// Which subschemas are counted as part of a schema.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    /// Those that apply to the same value: one of them that leads back is a loop without an end.
    Staying,
    /// All; one that leads back counts as one, since the value has to go on for it to be entered.
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
    /// What is being counted is part of it.
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

    /// The subschemas of `node` and the levels they take. `depth` bounds this recursion too.
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
