#!/usr/bin/env bash
# Makes a release out of the tree: cut.sh VERSION. Sets the version everywhere, moves the notes,
# writes their text, commits and tags. Nothing leaves the machine: the last lines say what to push.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

fail() {
  echo "error: $1" >&2
  exit 1
}

[[ $# -eq 1 && $1 =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] ||
  fail 'give a version such as 1.2.3: make release VERSION=1.2.3'
version=$1
old=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"$/\1/p' Cargo.toml)

[[ -z $(git status --porcelain) ]] || fail 'the tree is not clean: commit or stash what "git status" shows'
git symbolic-ref --quiet --short HEAD >/dev/null || fail 'no branch is checked out: check out the one to release'
! git rev-parse --quiet --verify "refs/tags/v$version" >/dev/null || fail "the tag v$version is there already: take a new version"
[[ $(printf '%s\n%s\n' "$old" "$version" | sort -V | head -1) == "$old" ]] || fail "$version is older than $old, which the tree has"
[[ ! -e release-notes/$version ]] || fail "release-notes/$version is there already: take a new version"

text=$(hack/release/notes.sh "$version" release-notes/unreleased)

# Replaces one line of a file, and fails if there is not exactly one.
set_line() {
  local file=$1 pattern=$2 line=$3
  [[ $(grep -c "$pattern" "$file") == 1 ]] || fail "$file should have one line that matches $pattern"
  sed "s|$pattern|$line|" "$file" >"$file.new"
  cat "$file.new" >"$file"
  rm "$file.new"
}
set_line Cargo.toml '^version = ".*"$' "version = \"$version\""
set_line charts/psg-operator/Chart.yaml '^version: .*$' "version: $version"
set_line charts/psg-operator/Chart.yaml '^appVersion: .*$' "appVersion: $version"
set_line config/manager/deployment.yaml 'image: psg-operator:v.*$' "image: psg-operator:v$version"
sed "s|/psg-operator:v[0-9][0-9A-Za-z.-]*|/psg-operator:v$version|" README.md >README.md.new
cat README.md.new >README.md
rm README.md.new
# The crates of the workspace are in Cargo.lock with their version, and nothing else may change there.
cargo update --workspace --offline --quiet

# What the next version is upgraded from.
cp crds/*.yaml tests/upgrading/before/
git mv release-notes/unreleased "release-notes/$version"
printf '%s\n' "$text" >"release-notes/$version.md"
git add --all
git commit --quiet --message "Release $version"
git tag --annotate --message "psg-operator $version" "v$version"
echo "v$version is tagged. To publish it, push the branch and the tag:"
echo "  git push --atomic origin $(git symbolic-ref --short HEAD) v$version"
