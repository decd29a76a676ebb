#!/usr/bin/env bash
# Builds the standard library for a wasm target with a rustc that comes with its sources but without
# the built library (Debian's rustc-web and rust-web-src), as a sysroot of its own.
# Needs cargo and, for the linker, a rustup toolchain.
# usage: build-wasm-std.sh RUSTC TARGET SYSROOT
set -euo pipefail
rustc=$1 target=$2 sysroot=$3

host=$("$rustc" -vV | sed -n 's/^host: //p')
linker=$(dirname "$(find "${RUSTUP_HOME:-$HOME/.rustup}"/toolchains/*/lib/rustlib/"$host"/bin -maxdepth 1 -name rust-lld -print -quit)")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/src" "$sysroot/lib/rustlib/$host/bin"
: > "$work/src/lib.rs"
cat > "$work/Cargo.toml" <<'MANIFEST'
[package]
name = "probe"
version = "0.0.0"
edition = "2024"

[profile.release]
panic = "abort"

[workspace]
MANIFEST

# The compiler's own crates are needed too: build scripts and macros run on this machine.
ln -sfn "$("$rustc" --print sysroot)/lib/rustlib/$host/lib" "$sysroot/lib/rustlib/$host/lib"
for tool in rust-lld wasm-component-ld gcc-ld; do
    ln -sfn "$linker/$tool" "$sysroot/lib/rustlib/$host/bin/$tool"
done

# Without bitcode in the library, skills could not be built with lto. Its panic messages carry paths,
# which must not tell whose machine this is.
flags="-Cembed-bitcode=yes --remap-path-prefix=$work=/std --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
(
    cd "$work"
    env -u CARGO_ENCODED_RUSTFLAGS -u CARGO_TARGET_DIR \
        RUSTC="$rustc" RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags" \
        cargo build --quiet --release --target "$target" -Zbuild-std=std,panic_abort
)
lib=$sysroot/lib/rustlib/$target/lib
rm -rf "$lib"
mkdir -p "$lib"
cp "$work/target/$target/release/deps/"*.rlib "$lib/"
rm -f "$lib"/libprobe-*

# Last: its presence says that the sysroot is complete.
"$rustc" -V > "$sysroot/VERSION"
