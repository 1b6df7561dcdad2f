#!/usr/bin/env bash
# The operator's image without a container engine: image.sh PLATFORM…, such as `image.sh linux_amd64
# linux_arm64`. Writes dist/image, an OCI layout, and beside it the SBOM of each platform. With
# ROOT_ONLY=1 it stops at target/image/PLATFORM, the folder that the Dockerfile copies.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

fail() {
  echo "error: $1" >&2
  exit 1
}

[[ $# -gt 0 ]] || fail 'give the platforms, such as: hack/release/image.sh linux_amd64 linux_arm64'
image() { cargo run --quiet --locked --package psg-image -- "$@"; }

roots=()
mkdir -p dist
for platform in "$@"; do
  [[ $platform == linux_* ]] || fail "an image of \"$platform\" is none of ours: linux_amd64 or linux_arm64"
  program=$(hack/release/program.sh "$platform" psg-operator | tail -1)
  root=target/image/$platform
  image root --program "$program" --license LICENSE --out "$root"
  roots+=(--root "${platform/_//}=$root")
  [[ -n ${ROOT_ONLY:-} ]] || hack/release/sbom.sh "$program" "dist/psg-operator_$platform.cdx.json"
done
[[ -z ${ROOT_ONLY:-} ]] || exit 0

# The commit is the only date in it. A tree with other changes builds, and says so in its revision.
revision=$(git rev-parse HEAD)
[[ -z $(git status --porcelain --untracked-files=no) ]] || revision+=-dirty
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
image layout "${roots[@]}" --revision "$revision" --epoch "$epoch" --out dist/image | tee dist/image.txt
tail -1 dist/image.txt >dist/image.digest
