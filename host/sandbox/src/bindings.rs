//! What `wit/` says, in Rust. Nothing outside this crate sees these types.

#![allow(clippy::pedantic, unreachable_pub, unsafe_code, reason = "generated from wit/ by wasmtime's macro")]

// Imports are async so that a host call can give way: a guest in a loop of host calls burns little fuel.
wasmtime::component::bindgen!({
    path: "../../wit",
    world: "skill",
    imports: { default: async },
    exports: { default: async },
});
