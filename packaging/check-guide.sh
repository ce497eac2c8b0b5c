#!/bin/bash
# Types what the documentation tells to type: packaging/check-guide.sh RELEASE [--only PAGE]
#
# RELEASE is the folder of a release (`target/dist/vX.Y.Z`). It is what the reader installs; the machine is a fresh Debian
# that is booted as a container in a lab, with Docker and no Swarm yet.
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."

release=$1
shift
# Not below a /tmp that is a tmpfs: a machine does not fit in it, and sudo may not work there.
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}" dockerops-guide.XXXXXX)
trap 'rm -rf "$work"' EXIT

# What a manager has before anybody reads the documentation, and what single pages and pipelines call.
packages=systemd,systemd-sysv,dbus,docker.io,git,curl,ca-certificates,sudo,openssh-client
packages+=,openssh-server,openssl,jq,sqlite3,fish,zsh
mmdebstrap --quiet --variant=minbase --include="$packages" bookworm "$work/debian"
cargo build --quiet --package dockerops-lab
target/debug/dockerops-lab run -- target/debug/dockerops-lab guide "$work/debian" "$release" "$@"
