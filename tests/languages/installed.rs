use std::path::Path;
use std::time::Duration;

use coworker_policy::gate::Permit;
use coworker_policy::{Card, Digest, Grants, Tier};
use coworker_sandbox::{Compiler, Inspection, Outcome, Worker, componentize, inspect};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Ask, Lab, sandbox_with};

/// As whose program this one compiles components, within the bounds that the host sets.
pub(crate) const COMPILE: &str = "__compile";

/// A component after all that `coworker skill add` does with one.
pub(crate) struct Installed {
    lab: Lab,
    digest: Digest,
    imports: Grants,
    cards: Vec<Card>,
}

impl Installed {
    pub(crate) async fn read(path: &Path, language: &str) -> Self {
        let file = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let wasm = componentize(&file).unwrap().into_owned();
        let inspection = inspect(&wasm).unwrap();
        let dir = TempDir::new().unwrap();
        let worker = Worker::new(std::env::current_exe().unwrap(), [COMPILE]);
        let lab = Lab { sandbox: sandbox_with(&dir, [1; 32], Compiler::Child(worker)), dir };
        let size = wasm.len();
        let digest = lab.sandbox.load(wasm.into()).await.unwrap();
        let described = lab.sandbox.describe(digest).await.unwrap();
        let cards: Vec<Card> = described.into_iter().map(|it| Card::try_from(it).unwrap()).collect();
        insta::assert_json_snapshot!(language, outline(&inspection, &cards));
        println!("  {} KiB", size / 1024);
        Self { lab, digest, imports: inspection.capabilities(), cards }
    }

    pub(crate) fn card(&self, skill: &str) -> Card {
        self.cards.iter().find(|card| card.name.as_str() == skill).unwrap().clone()
    }

    /// A call through the gates. Nothing is granted.
    pub(crate) async fn call(&self, skill: &str, tier: Tier, input: &Value) -> Outcome {
        self.with_timeout(skill, tier, input, None).await
    }

    pub(crate) async fn with_timeout(
        &self,
        skill: &str,
        tier: Tier,
        input: &Value,
        timeout: Option<Duration>,
    ) -> Outcome {
        let input = input.to_string();
        let ask = Ask {
            card: self.card(skill),
            imports: self.imports.clone(),
            timeout,
            ..Ask::new(self.digest, tier, &input)
        };
        self.lab.run(ask.permit()).await
    }

    /// The answer of a call, which fits the skill's schema.
    pub(crate) async fn answer(&self, skill: &str, tier: Tier, input: &Value) -> Value {
        let text = input.to_string();
        let ask = Ask {
            card: self.card(skill),
            imports: self.imports.clone(),
            ..Ask::new(self.digest, tier, &text)
        };
        let permit: Permit = ask.permit();
        let terms = permit.output_terms();
        let outcome = self.lab.run(permit).await;
        let usage = outcome.usage;
        let (fuel, memory) = (usage.fuel, usage.peak_memory / 1024);
        println!("  {skill}, {} bytes: {:?}, {fuel} units of fuel, {memory} KiB", text.len(), usage.wall);
        assert_eq!(outcome.denied, [], "{skill}");
        let output = outcome.result.unwrap();
        terms.check(&output).unwrap();
        serde_json::from_str(&output).unwrap()
    }
}

/// What the owner is shown, less sizes and digests: not every tool makes the same file twice.
fn outline(inspection: &Inspection, cards: &[Card]) -> Value {
    let imports = inspection.imports.iter().map(|import| match import.capability {
        Some(capability) => format!("{} ({capability})", import.name),
        None => import.name.clone(),
    });
    let skills = cards.iter().map(|card| {
        json!({
            "skill": card.to_string(),
            "description": card.description.as_str(),
            "input": card.input_schema,
            "output": card.output_schema,
        })
    });
    json!({
        "exports": inspection.exports,
        "imports": imports.collect::<Vec<_>>(),
        "skills": skills.collect::<Vec<_>>(),
    })
}
