#!/bin/bash
# Prints what CHANGELOG.md says of a version, as the text of its release: packaging/notes.sh VERSION [CHANGELOG]
set -euo pipefail
version=${1#v} changelog=${2:-$(dirname "$0")/../CHANGELOG.md}

notes=$(awk -v version="$version" '
  /^## / { ours = ($2 == version || $2 == "[" version "]"); next }
  ours
' "$changelog")
if [ -z "${notes//[[:space:]]/}" ]; then
  echo "error: CHANGELOG.md has no section \`## $version\`: name its \`Unreleased\` so, and commit (RELEASE.md)" >&2
  exit 1
fi
printf '%s\n' "$notes"
