//! The capabilities that a component needs follow from its imports.

use coworker_policy::Capability;

#[test]
fn an_import_asks_for_its_capability_whatever_its_version() {
    let table = [
        ("coworker:skill/call", Capability::Call),
        ("coworker:skill/log", Capability::Log),
        ("coworker:skill/llm", Capability::Llm),
        ("coworker:skill/peers", Capability::Peers),
        ("wasi:logging/logging", Capability::Log),
        ("wasi:clocks/monotonic-clock", Capability::Clocks),
        ("wasi:clocks/wall-clock", Capability::Clocks),
        ("wasi:random/random", Capability::Random),
        ("wasi:config/store", Capability::Config),
        ("wasi:keyvalue/store", Capability::State),
        ("wasi:http/outgoing-handler", Capability::Http),
        ("wasi:filesystem/types", Capability::Files),
        ("wasi:filesystem/preopens", Capability::Files),
    ];
    for (interface, capability) in table {
        for version in ["", "@0.1.0", "@0.2.6", "@9.0.0-rc.1"] {
            let import = format!("{interface}{version}");
            assert_eq!(Capability::of_import(&import), Some(capability), "{import}");
        }
    }
}

#[test]
fn an_import_that_is_none_of_ours_asks_for_nothing() {
    for import in [
        "",
        "call",
        "skill/call",
        "coworker:skill/call-more",
        "coworker:skill/types",
        "evil:http/outgoing-handler",
        "evil:x/coworker:skill/call",
        "wasi:httpx/outgoing-handler",
        "wasi:io/streams@0.2.6",
        "wasi:cli/environment@0.2.6",
        "wasi:sockets/tcp@0.2.6",
        "@wasi:http/types",
    ] {
        assert_eq!(Capability::of_import(import), None, "{import}");
    }
}
