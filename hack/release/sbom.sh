#!/usr/bin/env bash
# The SBOM of a program in CycloneDX: sbom.sh PROGRAM FILE. It is read out of the program, where
# cargo-auditable stored each crate that was linked in, so it cannot be of another build.
set -euo pipefail

fail() {
  echo "error: $1" >&2
  exit 1
}

[[ $# -eq 2 ]] || fail 'give the program and the file, such as: hack/release/sbom.sh psg-operator dist/psg-operator.cdx.json'
reader=$(dirname "${BASH_SOURCE[0]}")/../tools/bin/auditable2cdx/bin/auditable2cdx
[[ -x $reader ]] || fail 'there is no auditable2cdx: run "make auditable2cdx"'
"$reader" "$1" >"$2.part"
mv "$2.part" "$2"
