#!/bin/bash
# Signs a release: packaging/sign.sh FOLDER, with the key in the file DOCKEROPS_SIGNING_KEY, or in MINISIGN_KEY itself.
#
# The signature covers SHA256SUMS, and that covers every other file. The key is on the disk only while it signs.
set -euo pipefail
umask 077
folder=$1

key=${DOCKEROPS_SIGNING_KEY:-}
if [ -z "$key" ]; then
  : "${MINISIGN_KEY:?name a minisign key: DOCKEROPS_SIGNING_KEY is its file, or MINISIGN_KEY holds it}"
  key=$(mktemp)
  trap 'rm -f "$key"' EXIT
  printf '%s\n' "$MINISIGN_KEY" >"$key"
fi
minisign -S -s "$key" -m "$folder/SHA256SUMS" -t "DockerOps ${folder##*/}"
chmod 644 "$folder/SHA256SUMS.minisig"
