#!/bin/bash
# Prints the version, which stands in Cargo.toml and nowhere else: packaging/version.sh [-], where `-` reads that file from
# standard input.
set -euo pipefail
file=$(dirname "$0")/../Cargo.toml
if [ "${1:-}" = - ]; then file=/dev/stdin; fi
sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$file"
