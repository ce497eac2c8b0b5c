#!/bin/bash
# Publishes a release on GitHub: packaging/publish.sh TAG FOLDER NOTES
#
# Nobody sees it before all of its files are there: the installer would else find half a release.
set -euo pipefail
tag=$1 folder=$2 notes=$3

options=(--verify-tag --draft --title "DockerOps $tag" --notes-file "$notes")
# `latest`, which the installer asks for, never leads to a release candidate.
case $tag in *-*) options+=(--prerelease) ;; esac
# A run that was cut short may have left a draft.
if [ "$(gh release view "$tag" --json isDraft --jq .isDraft 2>/dev/null)" = true ]; then gh release delete "$tag" --yes; fi
gh release create "$tag" "${options[@]}" "$folder"/*
gh release edit "$tag" --draft=false
