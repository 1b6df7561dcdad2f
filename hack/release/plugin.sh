#!/usr/bin/env bash
# The archive of `kubectl psg` for one platform, as hack/krew wants it: plugin.sh PLATFORM. Writes
# dist/kubectl-psg_PLATFORM.tar.gz with the program and the licence, and the SBOM beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

fail() {
  echo "error: $1" >&2
  exit 1
}

[[ $# -eq 1 ]] || fail 'give the platform, such as: hack/release/plugin.sh linux_amd64'
program=$(hack/release/program.sh "$1" kubectl-psg | tail -1)
mkdir -p dist
hack/release/sbom.sh "$program" "dist/kubectl-psg_$1.cdx.json"
# The tar of macOS lacks what would keep owner and date out, so that archive is not byte-equal.
even=()
if tar --version | grep -q GNU; then
  # shellcheck disable=SC2054 # the commas are of tar
  even=(--sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --mode=u=rwX,go=rX)
fi
archive=dist/kubectl-psg_$1.tar.gz
tar ${even[@]+"${even[@]}"} -cf - LICENSE -C "$(dirname "$program")" kubectl-psg | gzip -9n >"$archive"
echo "$archive"
