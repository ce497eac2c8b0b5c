#!/bin/bash
# Prints the version. It stands in Cargo.toml and nowhere else.
set -euo pipefail
sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml"
