#!/usr/bin/env bash
# Builds one program for one platform, as a release has it: program.sh PLATFORM PROGRAM, such as
# `program.sh linux_amd64 psg-operator`. The Makefile, the Dockerfile and the workflows all call this,
# so that no two of them can differ in a flag. The last line it prints is the path of the program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

fail() {
  echo "error: $1" >&2
  exit 1
}

[[ $# -eq 2 ]] || fail 'give the platform and the program, such as: hack/release/program.sh linux_amd64 psg-operator'
platform=$1 program=$2
rust=$(sed -n 's/^RUST_VERSION := //p' Makefile)
auditable=${CARGO_AUDITABLE:-$PWD/hack/tools/bin/cargo-auditable/bin/cargo-auditable}
[[ -x $auditable ]] || fail 'there is no cargo-auditable: run "make cargo-auditable"'

# Without rustup this variable does nothing, and the next check sees what is installed.
export RUSTUP_TOOLCHAIN=$rust
found=$(rustc --version --verbose | sed -n 's/^release: //p')
[[ $found == "$rust" ]] ||
  fail "a release is built by Rust $rust, and this is ${found:-none}: run \"rustup toolchain install $rust\""
host=$(rustc --version --verbose | sed -n 's/^host: //p')

case $platform in
linux_amd64) target=x86_64-unknown-linux-gnu gcc=x86_64-linux-gnu-gcc ;;
linux_arm64) target=aarch64-unknown-linux-gnu gcc=aarch64-linux-gnu-gcc ;;
darwin_arm64) target=aarch64-apple-darwin gcc='' ;;
*) fail "\"$platform\" is no platform of a release: linux_amd64, linux_arm64 or darwin_arm64" ;;
esac
[[ -d $(rustc --print sysroot)/lib/rustlib/$target/lib ]] ||
  fail "the standard library for $target is missing: run \"rustup target add --toolchain $rust $target\""

# A panic's message names the file: without these the binary would depend on where it was built.
# The folder of the sources has its name only when they are there.
cargo fetch --quiet --locked --target "$target"
sources=${CARGO_HOME:-$HOME/.cargo}/registry/src
flags="--remap-path-prefix=$PWD=/src"
for folder in "$sources"/*/; do
  flags+=" --remap-path-prefix=${folder%/}=/crates"
done

if [[ -n $gcc ]]; then
  # A compiler with the platform in its name exists on Debian also for the machine's own platform.
  if ! command -v "$gcc" >/dev/null; then
    [[ $host == "$target" ]] || fail "there is no $gcc: on Debian install gcc-${gcc%-gcc}"
    gcc=cc
  fi
  variable=${target//-/_}
  export "CC_$variable=$gcc" "CARGO_TARGET_${variable^^}_LINKER=$gcc"
  # The C library is linked in: the image has no other file that could hold it.
  flags+=' -C target-feature=+crt-static'
fi

# Naming the target keeps the flags away from build scripts and macros, which cannot be static.
export RUSTFLAGS=$flags CARGO_INCREMENTAL=0
unset CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS
export CARGO=$PWD/hack/release/cargo.sh
PATH=$(dirname "$auditable"):$PATH "$auditable" auditable build --release --locked --target "$target" --bin "$program" >&2
echo "${CARGO_TARGET_DIR:-target}/$target/release/$program"
