//! The leak guard on a result of 100 KiB, beside the gates that it follows.

#![allow(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

use std::sync::Arc;

use coworker_policy::gate::{self, Call, CallRate, Caller, OutputTerms, Pseudonym, Standing};
use coworker_policy::leak::{Account, Guard, Private};
use coworker_policy::{Card, Descriptor, Digest, Grants, Listing, PeerId, Skill, Tier};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;

const KIB: usize = 1024;

/// Prose of so many bytes, other words for each seed.
fn prose(seed: u64, size: usize) -> String {
    let mut state = seed;
    let mut text = String::with_capacity(size + 16);
    while text.len() < size {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = (state >> 33) % 20_000;
        let letters = word.to_le_bytes();
        text.extend(
            letters
                .iter()
                .take(2)
                .chain(&letters[..usize::from(letters[0] % 3)])
                .map(|byte| char::from(b'a' + byte % 26)),
        );
        text.push_str(if state >> 60 == 0 { ", " } else { " " });
    }
    text
}

fn terms(guard: Option<Guard>) -> OutputTerms {
    let card = Card::try_from(Descriptor {
        name: "words".into(),
        version: "1.0.0".into(),
        description: String::new(),
        when_to_use: String::new(),
        category: String::new(),
        input_schema: "{}".into(),
        output_schema: r#"{"type": "object", "properties": {"text": {"type": "string"}}}"#.into(),
    });
    let (listing, terms) = (Listing::Exposed { from: Tier::Untrusted }, Arc::default());
    let skill =
        Skill::new(card.unwrap(), Digest::of(b"component"), Grants::default(), listing, terms).unwrap();
    let caller = Caller::Peer(PeerId::from_bytes([7; 32]));
    let (name, input) = ("words".into(), "{}".into());
    let call = Call { caller, skill: name, input, version: None, timeout: None, delegation: None };
    let call = gate::trust(call, Standing { tier: Tier::Privileged, pending: 0, rate: CallRate::default() })
        .unwrap();
    let call = gate::version(gate::listing(call, Some(&Arc::new(skill))).unwrap()).unwrap();
    let permit = gate::grants(gate::input(call).unwrap(), Pseudonym([9; 16]));
    permit.watched(guard, Account::default(), 1).output_terms()
}

fn guard(c: &mut Criterion) {
    let mut group = c.benchmark_group("guard");
    let output = json!({ "text": prose(1, 100 * KIB) }).to_string();
    for (name, size) in [("private_10_kib", 10 * KIB), ("private_1_mib", KIB * KIB)] {
        let private = Private::of(5, [prose(2, size).as_str()], &[]);
        let terms = terms(Guard::new(Arc::new(private), [], ["cwexampleexampleexample"]));
        group.bench_function(name, |b| b.iter(|| terms.check(&output).unwrap()));
    }
    let open = terms(None);
    group.bench_function("gates", |b| b.iter(|| open.check(&output).unwrap()));
    let text = prose(2, KIB * KIB);
    group.bench_function("gather_1_mib", |b| b.iter(|| Private::of(5, [text.as_str()], &[])));
    group.finish();
}

criterion_group!(benches, guard);
criterion_main!(benches);
