#!/usr/bin/env bash
# What cargo-auditable calls as cargo. It has cargo wrap rustc by its own path, and cargo hashes that
# path into the symbols of our crates: the binary would depend on where the tool lies. By its name
# alone, which program.sh puts into PATH, it does not.
set -euo pipefail
export RUSTC_WORKSPACE_WRAPPER=${RUSTC_WORKSPACE_WRAPPER##*/}
unset CARGO
exec cargo "$@"
