//! Bounds the cost of compiling a component, in one pass over the file before any of it is compiled.
//!
//! The compiler's cost is not linear in the file: nested blocks, many locals over many blocks, and nested
//! components that each instantiate others. Too much of these is refused here with its name and number. Any
//! other cost is bounded by the limits of the compiler's process.

use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentInstance, ComponentOuterAliasKind, Encoding, FunctionBody,
    Instance, Operator, Parser, Payload,
};

use crate::bad_component::BadComponent;
use crate::engine::CORE_INSTANCES;

// The largest known component, Python's, has 13,364 functions, 1,236 types, and in one function 271 local
// variables, blocks 781 deep, 15,805 targets of jumps and 67,479 blocks times local variables.
const FUNCTIONS: u64 = 100_000;
const TYPES: u64 = 20_000;
const LOCALS: u64 = 5_000;
const NESTING: u64 = 2_500;
const JUMPS: u64 = 100_000;
const BLOCKS_BY_LOCALS: u64 = 5_000_000;
const PARTS: u64 = 1_000;
const CROSSINGS: u64 = 10_000;

/// Refuses a component that would be too expensive to compile. Its outline was validated before; the bodies of
/// its functions were not, and the compiler reports errors in them.
pub(crate) fn check(wasm: &[u8]) -> Result<(), BadComponent> {
    let mut scan = Scan::default();
    for payload in Parser::new(0).parse_all(wasm) {
        scan.payload(payload?)?;
    }
    Ok(())
}

impl From<wasmparser::BinaryReaderError> for BadComponent {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Malformed(error.into())
    }
}

/// Counts for one instance of a component, including everything that it instantiates.
#[derive(Clone, Copy, Default)]
struct Expanded {
    core_instances: u64,
    parts: u64,
    crossings: u64,
}

impl Expanded {
    fn add(&mut self, other: Self) {
        self.core_instances = self.core_instances.saturating_add(other.core_instances);
        self.parts = self.parts.saturating_add(other.parts);
        self.crossings = self.crossings.saturating_add(other.crossings);
    }

    fn check(self) -> Result<(), BadComponent> {
        at_most(
            "instances of core modules, nested ones included",
            self.core_instances,
            CORE_INSTANCES.into(),
        )?;
        at_most("instances of nested components", self.parts, PARTS)?;
        at_most("functions between its components and the host", self.crossings, CROSSINGS)
    }
}

/// A module or component that the scan is inside of.
#[derive(Default)]
struct Frame {
    expanded: Expanded,
    /// The components that it can instantiate, in the order of their indices.
    components: Vec<Expanded>,
    component: bool,
}

#[derive(Default)]
struct Scan {
    frames: Vec<Frame>,
    functions: u64,
    types: u64,
}

impl Scan {
    fn payload(&mut self, payload: Payload<'_>) -> Result<(), BadComponent> {
        match payload {
            Payload::Version { encoding, .. } => {
                let component = encoding == Encoding::Component;
                self.frames.push(Frame { component, ..Frame::default() });
            }
            Payload::End(_) => self.end(),
            Payload::TypeSection(section) => self.count_types(section.count())?,
            Payload::CoreTypeSection(section) => self.count_types(section.count())?,
            Payload::ComponentTypeSection(section) => self.count_types(section.count())?,
            Payload::CodeSectionEntry(body) => {
                self.functions += 1;
                at_most("functions", self.functions, FUNCTIONS)?;
                function(&body)?;
            }
            Payload::InstanceSection(section) => self.core_instances(section)?,
            Payload::ComponentInstanceSection(section) => self.instances(section)?,
            Payload::ComponentAliasSection(section) => self.aliases(section)?,
            Payload::ComponentCanonicalSection(section) => self.canonicals(section)?,
            Payload::ComponentImportSection(section) => {
                for import in section {
                    if matches!(import?.ty, wasmparser::ComponentTypeRef::Component(_)) {
                        return Err(passed_on());
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    if export?.kind == wasmparser::ComponentExternalKind::Component {
                        return Err(passed_on());
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self) {
        if let Some(Frame { component: true, expanded, .. }) = self.frames.pop()
            && let Some(outer) = self.frames.last_mut()
        {
            outer.components.push(expanded);
        }
    }

    fn count_types(&mut self, more: u32) -> Result<(), BadComponent> {
        self.types += u64::from(more);
        at_most("types", self.types, TYPES)
    }

    fn core_instances(&mut self, section: wasmparser::InstanceSectionReader<'_>) -> Result<(), BadComponent> {
        for instance in section {
            let core_instances = u64::from(matches!(instance?, Instance::Instantiate { .. }));
            self.add(Expanded { core_instances, ..Expanded::default() })?;
        }
        Ok(())
    }

    fn instances(
        &mut self,
        section: wasmparser::ComponentInstanceSectionReader<'_>,
    ) -> Result<(), BadComponent> {
        for instance in section {
            if let ComponentInstance::Instantiate { component_index, .. } = instance? {
                let mut part = self.component(0, component_index)?;
                part.parts = part.parts.saturating_add(1);
                self.add(part)?;
            }
        }
        Ok(())
    }

    fn canonicals(
        &mut self,
        section: wasmparser::ComponentCanonicalSectionReader<'_>,
    ) -> Result<(), BadComponent> {
        for function in section {
            let crossing =
                matches!(function?, CanonicalFunction::Lift { .. } | CanonicalFunction::Lower { .. });
            self.add(Expanded { crossings: u64::from(crossing), ..Expanded::default() })?;
        }
        Ok(())
    }

    fn aliases(
        &mut self,
        section: wasmparser::SectionLimited<'_, ComponentAlias<'_>>,
    ) -> Result<(), BadComponent> {
        for alias in section {
            match alias? {
                ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                    let component = self.component(count, index)?;
                    if let Some(frame) = self.frames.last_mut() {
                        frame.components.push(component);
                    }
                }
                ComponentAlias::InstanceExport {
                    kind: wasmparser::ComponentExternalKind::Component, ..
                } => return Err(passed_on()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Looks up a component by its index in the component `outward` levels further out.
    fn component(&self, outward: u32, index: u32) -> Result<Expanded, BadComponent> {
        let level = self.frames.len().checked_sub(1 + outward as usize);
        let frame = level.and_then(|level| self.frames.get(level));
        frame.and_then(|frame| frame.components.get(index as usize)).copied().ok_or_else(passed_on)
    }

    fn add(&mut self, more: Expanded) -> Result<(), BadComponent> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        frame.expanded.add(more);
        frame.expanded.check()
    }
}

/// Refuses a component that is passed around: the number of its instances cannot be counted here. No toolchain
/// makes such components.
fn passed_on() -> BadComponent {
    BadComponent::TooMuch { what: "components that are imported, exported or passed on", count: 1, max: 0 }
}

fn function(body: &FunctionBody<'_>) -> Result<(), BadComponent> {
    let mut locals = 0;
    for local in body.get_locals_reader()? {
        locals += u64::from(local?.0);
        at_most("local variables in one function", locals, LOCALS)?;
    }
    let (mut depth, mut blocks, mut jumps) = (0_u64, 0_u64, 0);
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        match operators.read()? {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                (depth, blocks) = (depth + 1, blocks + 1);
                at_most("blocks within each other", depth, NESTING)?;
            }
            Operator::End => depth = depth.saturating_sub(1),
            Operator::BrTable { targets } => {
                jumps += u64::from(targets.len());
                at_most("targets of jump tables in one function", jumps, JUMPS)?;
            }
            _ => {}
        }
    }
    at_most("blocks times local variables in one function", blocks * locals, BLOCKS_BY_LOCALS)
}

fn at_most(what: &'static str, count: u64, max: u64) -> Result<(), BadComponent> {
    if count > max { Err(BadComponent::TooMuch { what, count, max }) } else { Ok(()) }
}
