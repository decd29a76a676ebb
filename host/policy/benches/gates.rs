//! The output gates on a result of 100 KiB, for a component that has nothing private.

#![allow(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

use std::sync::Arc;

use coworker_leak::{Account, Guard, Private};
use coworker_policy::gate::{
    self, Call, CallRate, Caller, CallerState, Disclosure, OutputTerms, Pseudonym, Recipients,
};
use coworker_policy::{Card, Descriptor, Digest, Grants, Listing, PeerId, Skill, Tier};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;

fn terms() -> OutputTerms {
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
    let state = CallerState { tier: Tier::Privileged, pending: 0, rate: CallRate::default() };
    let call = gate::listing(gate::trust(call, state).unwrap(), Some(&Arc::new(skill))).unwrap();
    let call = gate::input(gate::version(call).unwrap()).unwrap();
    match gate::disclosure(gate::grants(call, Pseudonym([9; 16])), Recipients::CallerOnly) {
        Disclosure::OwnerOnly(call) => call.permit().output_terms(),
        Disclosure::Leaves(call) => {
            let nothing_private = Guard::new(Arc::new(Private::of(5, [], &[])), [], []);
            call.permit(nothing_private, Account::default(), 1).0.output_terms()
        }
    }
}

fn gates(c: &mut Criterion) {
    let output = json!({ "text": "harmless ".repeat(100 * 1024 / 9) }).to_string();
    c.bench_function("gates", |b| {
        b.iter_batched(terms, |terms| terms.check(&output).unwrap(), criterion::BatchSize::SmallInput);
    });
}

criterion_group!(benches, gates);
criterion_main!(benches);
