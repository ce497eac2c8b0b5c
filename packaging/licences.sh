#!/bin/bash
# Prints the licences of everything that is linked into the program: packaging/licences.sh CARGO_HOME
#
# Most of them ask that their text goes with the program. A crate without any text names its licence in Cargo.toml.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
crates=$1

main() {
  echo 'DockerOps is under the licence in LICENSE (MIT). Linked into it are these, each under its own licence.'
  section 'SQLite' 'public domain (https://sqlite.org/copyright.html)'
  section 'musl' 'MIT'
  musl
  local crate version licence
  linked | while IFS=$'\t' read -r crate version licence; do
    section "$crate $version" "$licence"
    texts "$crates/registry/src/"*"/$crate-$version"
  done
}

section() { printf '\n%s\n%s\n%s\n' "$(printf '=%.0s' {1..80})" "$1" "$2"; }

# Of both machines, without what only runs while building, each once.
linked() {
  local machine
  for machine in x86_64 aarch64; do
    cargo tree --locked --quiet --package dockerops --edges normal,no-proc-macro --prefix none --no-dedupe \
      --target "$machine-unknown-linux-musl" --format $'{p}\t{l}'
  done | sed -n 's/^\([^ ]*\) v\([^ \t]*\)\t/\1\t\2\t/p' | sort -u
}

texts() {
  local text
  for text in "$1"/{LICEN[CS]E,COPYING,COPYRIGHT,NOTICE,UNLICENSE}*; do
    if [ -f "$text" ]; then printf '\n--- %s\n' "${text##*/}"; cat "$text"; fi
  done
}

musl() {
  python3 - <<'PYTHON'
import pathlib, ziglang
print((pathlib.Path(ziglang.__file__).parent / "lib/libc/musl/COPYRIGHT").read_text())
PYTHON
}

main
