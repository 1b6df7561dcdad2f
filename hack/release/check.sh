#!/usr/bin/env bash
# Shows that the image of a commit is reproducible: builds it in two clones, at paths of different
# lengths and with nothing shared but the tools, and compares every file. check.sh PLATFORM…
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

fail() {
  echo "error: $1" >&2
  exit 1
}

[[ $# -gt 0 ]] || fail 'give the platforms, such as: hack/release/check.sh linux_amd64'
[[ -z $(git status --porcelain --untracked-files=no) ]] ||
  fail 'the tree has changes that no clone would have: commit them first'
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
unset CARGO_TARGET_DIR
for clone in a another/longer/path; do
  git clone --quiet . "$folder/$clone"
  mkdir -p "$folder/$clone/hack/tools/bin"
  cp -R hack/tools/bin/cargo-auditable hack/tools/bin/auditable2cdx "$folder/$clone/hack/tools/bin/"
  echo "building in $clone"
  (cd "$folder/$clone" && hack/release/image.sh "$@")
  rm -rf "$folder/$clone/target"
done
diff --recursive --brief "$folder/a/dist" "$folder/another/longer/path/dist" ||
  fail 'the two builds differ: the files above are not the same'
echo "both builds are byte-equal: $(cat "$folder/a/dist/image.digest")"
