//! Rust bindings of `wit/`. Nothing outside this crate sees these types.

#![allow(clippy::pedantic, unreachable_pub, unsafe_code, reason = "generated from wit/ by wasmtime's macro")]

// Imports are async so that a host call can yield: a guest in a loop of host calls burns little fuel.
wasmtime::component::bindgen!({
    path: "../../wit",
    world: "skill",
    imports: {
        "coworker:skill/call.emit": async | trappable,
        "coworker:skill/llm.complete": async | trappable,
        default: async,
    },
    exports: { default: async },
});

/// A component's state: the part of `wasi:keyvalue` that this host offers.
pub mod keyvalue {
    wasmtime::component::bindgen!({
        inline: "
            package wasi:keyvalue@0.2.0-draft;

            interface store {
                variant error { no-such-store, access-denied, other(string) }
                record key-response { keys: list<string>, cursor: option<u64> }
                resource bucket {
                    get: func(key: string) -> result<option<list<u8>>, error>;
                    set: func(key: string, value: list<u8>) -> result<_, error>;
                    delete: func(key: string) -> result<_, error>;
                    exists: func(key: string) -> result<bool, error>;
                    list-keys: func(cursor: option<u64>) -> result<key-response, error>;
                }
                open: func(identifier: string) -> result<bucket, error>;
            }

            world state { import store; }
        ",
        imports: { default: async },
        with: { "wasi:keyvalue/store.bucket": crate::host_context::Bucket },
    });
}

/// The owner's settings for a component: `wasi:config`.
pub mod config {
    wasmtime::component::bindgen!({
        inline: "
            package wasi:config@0.2.0-rc.1;

            interface store {
                variant error { upstream(string), io(string) }
                get: func(key: string) -> result<option<string>, error>;
                get-all: func() -> result<list<tuple<string, string>>, error>;
            }

            world settings { import store; }
        ",
        imports: { default: async },
    });
}
