//! Builds components from the `.wat` files in this folder, and permits by the real gates.

use std::sync::Arc;
use std::time::Duration;

use coworker_leak::{Account, Guard, Private};
use coworker_policy::gate::{
    self, Call, Caller, CallerState, Disclosure, GrantedCall, Permit, Pseudonym, Recipients,
};
use coworker_policy::{Capability, Card, ComponentTerms, Descriptor, Digest, Grants, Listing, Skill, Tier};
use coworker_sandbox::{Cache, Compiler, HostContext, Outcome, Sandbox};
use tempfile::TempDir;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

pub(crate) const PSEUDONYM: Pseudonym = Pseudonym([7; 16]);

/// A guest's source, by the name of its file.
macro_rules! source {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/guests/", $name, ".wat"))
    };
}
/// A guest of world `skill`.
macro_rules! guest {
    ($name:literal) => {
        $crate::harness::component($crate::harness::source!($name))
    };
}
/// A guest that imports WASI.
macro_rules! wasi_guest {
    ($name:literal) => {
        $crate::harness::component_of(
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/guests/wasi.wit")),
            "test:wasi/wasi",
            &$crate::harness::module($crate::harness::source!($name)),
        )
    };
}
pub(crate) use {guest, source, wasi_guest};

/// A sandbox with an empty cache of its own.
pub(crate) struct Lab {
    pub(crate) sandbox: Sandbox,
    pub(crate) dir: TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        Self { sandbox: sandbox(&dir, [1; 32]), dir }
    }

    /// One call by a caller of `tier`, without grants of the owner.
    pub(crate) async fn call(&self, wasm: Vec<u8>, tier: Tier, input: &str) -> Outcome {
        let digest = self.sandbox.load(wasm.into()).await.unwrap();
        self.run(Ask::new(digest, tier, input).permit()).await
    }

    /// Calls a hostile guest with `timeout`. An honest guest must be served while it runs, on the same single
    /// thread, and another one afterwards.
    pub(crate) async fn attack(&self, wasm: Vec<u8>, tier: Tier, timeout: Duration) -> Outcome {
        let digest = self.sandbox.load(wasm.into()).await.unwrap();
        let ask = Ask { timeout: Some(timeout), ..Ask::new(digest, tier, "null") };
        let lab = Self { sandbox: self.sandbox.clone(), dir: TempDir::new().unwrap() };
        let attack = tokio::spawn(async move { lab.run(ask.permit()).await });
        self.expect_service().await;
        let outcome = attack.await.unwrap();
        self.expect_service().await;
        outcome
    }

    pub(crate) async fn expect_service(&self) {
        let outcome = self.call(guest!("echo"), Tier::Known, r#"{"still": "here"}"#).await;
        assert_eq!(outcome.result.as_deref(), Ok(r#"{"still": "here"}"#));
    }

    pub(crate) async fn run(&self, permit: Permit) -> Outcome {
        self.sandbox.run(permit, HostContext::default()).await.unwrap()
    }
}

pub(crate) fn sandbox(dir: &TempDir, key: [u8; 32]) -> Sandbox {
    sandbox_with(dir, key, Compiler::InProcess)
}

pub(crate) fn sandbox_with(dir: &TempDir, key: [u8; 32], compiler: Compiler) -> Sandbox {
    Sandbox::new(Cache { dir: dir.path().join("compiled"), key }, compiler).unwrap()
}

/// One call before it passes the gates.
pub(crate) struct Ask<'a> {
    pub(crate) component: Digest,
    pub(crate) tier: Tier,
    pub(crate) input: &'a str,
    pub(crate) timeout: Option<Duration>,
    pub(crate) imports: Grants,
    pub(crate) caller: Pseudonym,
    pub(crate) card: Card,
    /// No grants by default.
    pub(crate) terms: Arc<ComponentTerms>,
}

impl<'a> Ask<'a> {
    pub(crate) fn new(component: Digest, tier: Tier, input: &'a str) -> Self {
        let imports = Capability::ALL.into_iter().collect();
        Self {
            component,
            tier,
            input,
            timeout: None,
            imports,
            caller: PSEUDONYM,
            card: card("guest"),
            terms: Arc::default(),
        }
    }

    pub(crate) fn permit(self) -> Permit {
        let name = self.card.name.to_string();
        let skill = Arc::new(skill(self.card, self.component, self.imports, self.terms));
        let call = Call {
            caller: Caller::OwnerAs(self.tier),
            skill: name,
            input: self.input.to_owned(),
            version: None,
            timeout: self.timeout,
            delegation: None,
        };
        let call =
            gate::trust(call, CallerState { tier: self.tier, pending: 0, rate: gate::CallRate::default() })
                .unwrap();
        let call = gate::listing(call, Some(&skill)).unwrap();
        let call = gate::version(call).unwrap();
        permit_of(gate::grants(gate::input(call).unwrap(), self.caller))
    }
}

/// The permit of a call whose component has nothing private.
fn permit_of(call: GrantedCall) -> Permit {
    let nothing_private = Guard::new(Arc::new(Private::of(0, [], &[])), [], []);
    match gate::disclosure(call, Recipients::CallerOnly) {
        Disclosure::OwnerOnly(call) => call.permit(),
        Disclosure::Leaves(call) => call.permit(nothing_private, Account::default(), 0).0,
    }
}

/// A card whose schemas accept any JSON.
pub(crate) fn card(name: &str) -> Card {
    let card = Card::try_from(Descriptor {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        description: "A guest of the tests.".to_owned(),
        when_to_use: String::new(),
        category: String::new(),
        input_schema: "true".to_owned(),
        output_schema: "true".to_owned(),
    });
    card.unwrap()
}

fn skill(card: Card, component: Digest, imports: Grants, terms: Arc<ComponentTerms>) -> Skill {
    let listing = Listing::Exposed { from: Tier::Untrusted };
    Skill::new(card, component, imports, listing, terms).unwrap()
}

/// A component of world `skill`.
pub(crate) fn component(guest: &str) -> Vec<u8> {
    component_of("package test:plain;", "coworker:skill/skill@0.1.0", &module(guest))
}

/// A module of the guest's own fields and those that all guests share.
pub(crate) fn module(guest: &str) -> String {
    let describe = if guest.contains(r#"(export "describe")"#) { "" } else { include_str!("describe.wat") };
    format!("(module\n{guest}\n{}\n{describe})", include_str!("prelude.wat"))
}

/// A component of any world. `wit` is a package that may use coworker:skill.
pub(crate) fn component_of(wit: &str, world: &str, module: &str) -> Vec<u8> {
    let module = core_of(wit, world, module);
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

/// A core module that carries the types of a world.
pub(crate) fn core_of(wit: &str, world: &str, module: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit")).unwrap();
    let package = resolve.push_str("test.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = wat::parse_str(module).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    module
}
