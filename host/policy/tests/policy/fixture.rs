//! One skill that takes `{"text": …}` and promises `{"words": …}`, and the path through all gates.

use std::sync::Arc;

use coworker_leak::{Account, Guard, Private};
use coworker_policy::gate::{
    self, Call, CallRate, Caller, CallerState, Disclosure, GrantedCall, LeavingCall, Permit, Pseudonym,
    Recipients,
};
use coworker_policy::{
    Capability, Card, ComponentTerms, Descriptor, Digest, Grants, Listing, PeerId, PolicyFile, Refusal,
    Skill, Tier,
};
use proptest::test_runner::{Config, RngSeed};

pub(crate) const PEER: Caller = Caller::Peer(PeerId::from_bytes([7; 32]));
pub(crate) const PSEUDONYM: Pseudonym = Pseudonym([9; 16]);
pub(crate) const INPUT: &str = r#"{"text": "three little words"}"#;

pub(crate) const CAPABILITIES: [Capability; 12] = [
    Capability::Call,
    Capability::Log,
    Capability::Clocks,
    Capability::Random,
    Capability::Assets,
    Capability::Config,
    Capability::State,
    Capability::Http,
    Capability::Secrets,
    Capability::Llm,
    Capability::Files,
    Capability::Peers,
];

pub(crate) fn descriptor(name: &str) -> Descriptor {
    Descriptor {
        name: name.to_owned(),
        version: "1.2.3".to_owned(),
        description: "Counts words".to_owned(),
        when_to_use: "When a text's length matters".to_owned(),
        category: "text".to_owned(),
        input_schema: r#"{"type": "object", "required": ["text"], "additionalProperties": false,
            "properties": {"text": {"type": "string", "maxLength": 100}}}"#
            .to_owned(),
        output_schema: r#"{"type": "object", "required": ["words"],
            "properties": {"words": {"type": "integer"}}}"#
            .to_owned(),
    }
}

/// A skill on the default terms.
pub(crate) fn skill(name: &str, imports: Grants, listing: Listing) -> Arc<Skill> {
    skill_on(name, imports, listing, ComponentTerms::default())
}

pub(crate) fn skill_on(name: &str, imports: Grants, listing: Listing, terms: ComponentTerms) -> Arc<Skill> {
    let card = Card::try_from(descriptor(name)).unwrap();
    Arc::new(Skill::new(card, Digest::of(b"component"), imports, listing, Arc::new(terms)).unwrap())
}

/// The terms of a `policy.toml`.
pub(crate) fn terms(policy: &str) -> ComponentTerms {
    PolicyFile::parse(policy).unwrap_or_else(|error| panic!("{error:?}\n{policy}")).terms
}

pub(crate) fn everything() -> Grants {
    CAPABILITIES.into_iter().collect()
}

/// A skill that strangers may call and that imports nothing.
pub(crate) fn open_skill() -> Arc<Skill> {
    skill("words", Grants::default(), Listing::Exposed { from: Tier::Untrusted })
}

pub(crate) fn call(caller: Caller, input: &str) -> Call {
    Call {
        caller,
        skill: "words".to_owned(),
        input: input.to_owned(),
        version: None,
        timeout: None,
        delegation: None,
    }
}

pub(crate) fn state(tier: Tier) -> CallerState {
    CallerState { tier, pending: 0, rate: CallRate::default() }
}

/// The path of one call up to its grants.
pub(crate) fn granted(
    call: Call,
    state: CallerState,
    skill: Option<&Arc<Skill>>,
) -> Result<GrantedCall, Refusal> {
    let trusted = gate::trust(call, state)?;
    let listed = gate::listing(trusted, skill)?;
    let checked = gate::input(gate::version(listed)?)?;
    Ok(gate::grants(checked, PSEUDONYM))
}

/// The whole path of one call of a component that has nothing private.
pub(crate) fn pass(call: Call, state: CallerState, skill: Option<&Arc<Skill>>) -> Result<Permit, Refusal> {
    let call = granted(call, state, skill)?;
    Ok(match gate::disclosure(call, Recipients::CallerOnly) {
        Disclosure::OwnerOnly(call) => call.permit(),
        Disclosure::Leaves(call) => call.permit(nothing_private(), Account::default(), 0).0,
    })
}

pub(crate) fn nothing_private() -> Guard {
    Guard::new(Arc::new(Private::of(0, [], &[])), [], [])
}

/// A call whose output leaves.
pub(crate) fn leaving(call: GrantedCall, recipients: Recipients) -> LeavingCall {
    match gate::disclosure(call, recipients) {
        Disclosure::Leaves(call) => call,
        Disclosure::OwnerOnly(call) => panic!("only the owner sees the result of {call:?}"),
    }
}

/// A peer of `tier` sends `input` to the open skill.
pub(crate) fn send(input: &str, tier: Tier) -> Result<Permit, Refusal> {
    pass(call(PEER, input), state(tier), Some(&open_skill()))
}

/// The same cases on every machine and in every run.
pub(crate) fn cases(count: u32) -> Config {
    Config { cases: count, rng_seed: RngSeed::Fixed(2026), failure_persistence: None, ..Config::default() }
}
