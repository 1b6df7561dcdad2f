#!/usr/bin/env bash
# Prints hack/krew/psg.yaml for a release: fill.sh VERSION FOLDER, where FOLDER has the archives
# kubectl-psg_OS_ARCH.tar.gz that the release has.
set -euo pipefail

fail() {
  echo "error: $1" >&2
  exit 1
}

[[ $# -eq 2 ]] || fail 'give the version and the folder of the archives, such as: hack/krew/fill.sh 1.2.3 dist'
version=$1 folder=$2
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] ||
  fail "\"$version\" is not a version such as 1.2.3"

checksum() {
  if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d ' ' -f 1
}

manifest=$(<"$(dirname "$0")/psg.yaml")
# The first lines are about the template.
manifest=$(grep -v '^#' <<<"$manifest")
manifest=${manifest//@VERSION@/$version}
while [[ $manifest =~ @SHA256_([a-z0-9_]+)@ ]]; do
  archive=$folder/kubectl-psg_${BASH_REMATCH[1]}.tar.gz
  [[ -f $archive ]] || fail "there is no $archive: build it first, as hack/krew/README.md says"
  manifest=${manifest//"${BASH_REMATCH[0]}"/$(checksum "$archive")}
done
printf '%s\n' "$manifest"
