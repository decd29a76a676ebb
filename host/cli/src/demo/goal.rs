//! The end of the demo: two agents work on a goal, on a text of which one of them may not see everything.

use coworker_api::ApiError;
use coworker_policy::Tier;
use serde_json::{Value, json};

use super::cast::Actor;
use super::steps::{GLANCE, Play, expect, quoted, text};
use crate::print::{BOLD, DIM, GOOD, badge, paint};

const LETTER: &str = include_str!("letter.txt");
/// The private parts of the letter, and their form after `redact`.
const PRIVATE: [(&str, &str); 3] = [
    ("DE89 3704 0044 0532 0130 00", "[iban]"),
    ("+49 171 5550123", "[phone]"),
    ("lena.brandt@brandt-dach.example", "[email]"),
];
const GOAL: &str = "mask the contact data in this letter and summarize it";

/// Without a model, though there may be one: nothing of the demo leaves this machine.
const COLLABORATE: [&str; 6] = ["collaborate", "ada", GOAL, "--input", LETTER, "--no-model"];

impl Play {
    pub(super) async fn goal(&mut self) -> Result<(), ApiError> {
        self.lend().await?;
        self.plan().await?;
        let carried_out = self.carry_out().await?;
        self.settle(&carried_out).await
    }

    /// Each side raises the other, in the two ways there are.
    async fn lend(&mut self) -> Result<(), ApiError> {
        let lend = ["trust", "set", "bob", "internal", "--goal", "--reason", "a letter to work on"];
        let redact = self.component("redact");
        let add = ["skill", "add", &redact, "--yes"];
        let raise = async {
            self.bob.does(&add).await?;
            self.bob.does(&["trust", "set", "ada", "internal"]).await
        };
        let (lent, raised) = tokio::try_join!(self.ada.does(&lend), raise)?;
        let (bob, ada) = (self.tier_of_bob().await?, self.tier_of_ada().await?);
        expect(bob == "internal" && ada == "internal", "both trust each other more", &json!([lent, raised]))?;
        let lines = [
            format!("bob is {} to ada until a goal is done: she lends him that", badge(Tier::Internal)),
            format!("ada is {} to bob, who has installed redact for himself", badge(Tier::Internal)),
        ];
        let seen = json!({ "bob": bob, "ada": ada });
        self.done("lend", "A goal to work on together: both raise the trust for it", &lines, seen);
        Ok(())
    }

    async fn plan(&mut self) -> Result<(), ApiError> {
        let planned = self.bob.does(&[&COLLABORATE[..], &["--plan-only"]].concat()).await?;
        let steps = own_and_others(&planned["plan"]);
        expect(steps == [("redact", true), ("summarize", false)], "bob masks, ada summarizes", &planned)?;
        let from = &planned["plan"]["steps"][1]["input"]["text"]["$from"];
        expect(from == "redact", "ada gets what redact gave", &planned)?;
        let private: Vec<_> = PRIVATE.iter().map(|(private, _)| *private).collect();
        let lines = [
            format!("\u{201c}{GOAL}\u{201d} becomes, by its words:"),
            format!("1  {}  bob himself: he keeps {}", paint(BOLD, "redact   "), private[0]),
            format!("                and {}", private[1..].join(", ")),
            format!("2  {}  ada, of what redact leaves", paint(BOLD, "summarize")),
        ];
        self.done(
            "plan",
            "bob has a letter and says what he wants; his agent makes a plan of it",
            &lines,
            planned,
        );
        Ok(())
    }

    /// Returns the goal as bob has it at its end.
    async fn carry_out(&mut self) -> Result<Value, ApiError> {
        let done = self.bob.does(&[&COLLABORATE[..], &["--yes"]].concat()).await?;
        let steps_done = each_step(&done).all(|step| step["state"] == "done");
        expect(done["state"] == "done" && steps_done, "the goal is reached", &done)?;
        let summary = text(&done["outputs"]["summarize"]["summary"]);
        let kept = PRIVATE.iter().all(|(private, _)| !summary.contains(private));
        let masked = PRIVATE.iter().any(|(_, mask)| summary.contains(mask));
        expect(kept && masked, "the result is masked", &done)?;

        let share = self.ada.does(&["goal", &text(&done["id"])]).await?;
        expect(own_and_others(&share) == [("summarize", true)], "ada sees her own step only", &share)?;
        let mut lines: Vec<_> = each_step(&done).map(line).collect();
        lines.extend(quoted(&summary));
        lines.push(paint(DIM, "ada saw the goal, her own step and what redact left of the letter"));
        self.done("collaborate", "ada accepts her step; both do theirs", &lines, done["outputs"].clone());
        Ok(done)
    }

    /// Ada hears of the end a moment after bob; so does she of his signature.
    async fn settle(&mut self, done: &Value) -> Result<(), ApiError> {
        while self.tier_of_bob().await? == "internal" {
            tokio::time::sleep(GLANCE).await;
        }
        let (bob, ada) = (self.tier_of_bob().await?, self.tier_of_ada().await?);
        expect(bob == "known" && ada == "known", "both stepped down", &json!([bob, ada]))?;
        let whys = json!([why(&self.ada, "bob").await?, why(&self.bob, "ada").await?]);
        expect(whys == json!(["lease_goal", "goal"]), "it was the goal that ended it", &whys)?;
        let [own, asked] = [0, 1].map(|n| text(&done["steps"][n]["request"]));
        let receipt = self.receipt(&asked).await?;
        expect(receipt["skill"] == "summarize", "the receipt is of what ada did", &receipt)?;
        self.bob.fails(&["receipts", "show", &own]).await?;
        let lines = [
            format!("bob is {} to ada again, ada is {} to bob", badge(Tier::Known), badge(Tier::Known)),
            format!(
                "receipt {}: what {} took and gave, signed by both",
                asked.get(..8).unwrap_or(&asked),
                text(&receipt["skill"])
            ),
        ];
        let seen = json!({ "bob": bob, "ada": ada, "receipt": receipt });
        self.done("settle", "The goal is done: trust steps down by itself, on both sides", &lines, seen);
        Ok(())
    }

    /// The receipt of a call, once both have signed it and have it.
    async fn receipt(&self, id: &str) -> Result<Value, ApiError> {
        loop {
            let list = ["receipts", "list"];
            let (mut ada, mut bob) = tokio::try_join!(self.ada.does(&list), self.bob.does(&list))?;
            let (ada, bob) = (complete(&mut ada, id), complete(&mut bob, id));
            if let Some((ada, bob)) = ada.zip(bob) {
                expect(ada == bob, "both have the same receipt", &json!([ada, bob]))?;
                return Ok(bob);
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    async fn tier_of_bob(&self) -> Result<String, ApiError> {
        tier(&self.ada, "bob").await
    }

    async fn tier_of_ada(&self) -> Result<String, ApiError> {
        tier(&self.bob, "ada").await
    }
}

async fn tier(of: &Actor, about: &str) -> Result<String, ApiError> {
    let list = of.does(&["trust", "list"]).await?;
    let one = list["trust"].as_array().into_iter().flatten().find(|one| one["name"] == about);
    Ok(one.map(|one| text(&one["tier"])).unwrap_or_default())
}

/// The cause of the tier, as programs read it.
async fn why(of: &Actor, about: &str) -> Result<Value, ApiError> {
    Ok(of.does(&["trust", "log", about]).await?["entries"][0]["reason"].take())
}

fn complete(listed: &mut Value, id: &str) -> Option<Value> {
    let mut receipts = listed["receipts"].as_array_mut()?.iter_mut();
    let receipt = receipts.find(|receipt| receipt["id"] == id && receipt["state"] == "complete")?;
    Some(receipt["receipt"].take())
}

fn each_step(of: &Value) -> impl Iterator<Item = &Value> {
    of["steps"].as_array().into_iter().flatten()
}

/// The skill of each step in the order of the plan, and whether it is that agent's own whose document this is.
fn own_and_others(of: &Value) -> Vec<(&str, bool)> {
    let mut skills = Vec::new();
    for step in each_step(of) {
        skills.push((step["skill"].as_str().unwrap_or_default(), step["agent"] == "me"));
    }
    skills
}

fn line(step: &Value) -> String {
    let (name, who) = (text(&step["skill"]), text(&step["agent_name"]));
    let ms = step["done_ms"].as_i64().zip(step["began_ms"].as_i64()).map_or(0, |(done, began)| done - began);
    let sizes = format!("{} bytes in, {} out, {ms} ms", step["input_bytes"], step["output_bytes"]);
    format!("{} {name:<9}  {who}  {}", paint(GOOD, "✓"), paint(DIM, &sizes))
}
