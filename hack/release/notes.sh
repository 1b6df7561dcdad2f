#!/usr/bin/env bash
# Prints the text of a release from its notes: notes.sh VERSION FOLDER. Each note becomes a section.
set -euo pipefail

fail() {
  echo "error: $1" >&2
  exit 1
}

[[ $# -eq 2 ]] || fail 'give the version and the folder of its notes, such as: hack/release/notes.sh 1.2.3 release-notes/1.2.3'
shopt -s nullglob
notes=("$2"/*.md)
[[ ${#notes[@]} -gt 0 ]] || fail "$2 has no notes: a release that changes nothing is none"
echo "# psg-operator $1"
for note in "${notes[@]}"; do
  [[ $(head -1 "$note") == '# '* ]] || fail "$note does not begin with a heading: its first line must be \"# What changed\""
  echo
  # One level below the heading of the release; what stands in a block of code is no heading.
  awk '/^```/ {code = !code} !code && /^#+ / {$0 = "#" $0} {print}' "$note"
done
