#!/bin/bash
# Runs the packaged, hardened units under a real systemd: packaging/check-systemd.sh DEBIAN, by `dockerops-lab run --`.
#
# DEBIAN is a folder with a Debian in which the package is installed. It is booted as a container on node 1 of the
# lab, with Docker's socket and a folder that stands for the NFS mount; Git is reached over SSH.
set -euo pipefail
cd "$(dirname "$0")/.."

debian=$1
: "${DOCKEROPS_LAB:?is set by dockerops-lab run}"

fail() { printf 'error: this does not hold: %s\n' "$*" >&2; exit 1; }
promise() { printf '\n\033[36m# %s\033[0m\n' "$*"; }

main() {
  work=$(mktemp -d)
  # At the same place on the node and in the container, and not below /tmp, of which the service has its own.
  nfs=$(mktemp -d /run/dockerops-nfs.XXXXXX)
  trap 'power_off; rm -rf "$work" "$nfs"' EXIT
  repository one
  settle
  boot
  promise 'under systemd: a run as hardened as its unit says fetches over SSH, copies to NFS, gives files away, deploys'
  inside dockerops watch "ssh://root@10.99.0.1$DOCKEROPS_LAB/git/check-systemd.git"
  repository two
  inside systemctl start dockerops.service || fail "the service runs: $(inside journalctl -u dockerops --no-pager -n 30)"
  grep -qx two "$nfs/pages/index.html" || fail 'the service copied what was pushed'
  [ "$(stat -c %u "$nfs/pages/index.html")" = 1000 ] || fail 'the service gave the file to its owner'
  inside journalctl -u dockerops --no-pager | grep changed || fail 'the journal tells what it did'
  inside systemd-analyze security --no-pager dockerops.service | tail -n 1
  promise 'under systemd: the timer is off until it is enabled, runs, and goes with the package'
  [ "$(inside systemctl is-enabled dockerops.timer || true)" = disabled ] || fail 'the timer is off'
  inside systemctl --quiet enable --now dockerops.timer
  next=$(inside systemctl list-timers --no-pager dockerops.timer)
  grep -q dockerops.service <<<"$next" || fail "the timer has a next time: $next"
  inside dpkg --remove dockerops
  [ "$(inside systemctl is-active dockerops.timer || true)" = inactive ] || fail 'the timer goes with the package'
}

# repository CONTENT: the next commit.
repository() {
  local folder=$work/repository
  mkdir -p "$folder/check-systemd" "$folder/pages"
  echo '- name: check-systemd' >"$folder/stacks.yaml"
  echo "path: $nfs" >"$folder/nfs.yaml"
  printf -- '- id: pages\n  type: binding\n  path: pages\n  owner: "1000:1000"\n' >"$folder/volumes.yaml"
  echo "$1" >"$folder/pages/index.html"
  cat >"$folder/check-systemd/docker-compose.yml" <<'YAML'
services: {web: {image: "127.0.0.1:5000/check-systemd:1", volumes: ["pages:/pages"]}}
YAML
  target/debug/dockerops-lab push check-systemd 1 one >/dev/null
  target/debug/dockerops-lab repository check-systemd "$folder" >/dev/null
}

# What a person sets up once: the key for Git.
settle() {
  install -d -m 700 "$debian/root/.ssh"
  install -m 600 "$DOCKEROPS_LAB/ssh/client_key" "$debian/root/.ssh/id_ed25519"
  install -m 644 "$DOCKEROPS_LAB/ssh/known_hosts" "$debian/root/.ssh/known_hosts"
}

boot() {
  systemd-nspawn --quiet --register=no --keep-unit --boot --console=pipe --directory "$debian" \
    --bind "$DOCKEROPS_LAB/n1/d.sock:/run/docker.sock" --bind "$nfs" \
    --network-namespace-path "/run/netns/${DOCKEROPS_LAB##*/}-n1" </dev/null >"$work/console" 2>&1 &
  nspawn=$!
  local _
  for _ in $(seq 60); do
    read -r leader _ <"/proc/$nspawn/task/$nspawn/children" || true
    if [ -n "$leader" ] && inside systemctl --quiet is-active multi-user.target 2>/dev/null; then return; fi
    sleep 0.5
  done
  fail "Debian boots: $(tail -n 5 "$work/console")"
}

inside() {
  nsenter --target "$leader" --mount --uts --ipc --net --pid --cgroup \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C "$@"
}

power_off() {
  if [ -z "${nspawn:-}" ]; then return; fi
  # What systemd takes for a wish to halt.
  kill -RTMIN+3 "${leader:-$nspawn}" 2>/dev/null || true
  local _
  for _ in $(seq 40); do
    if ! kill -0 "$nspawn" 2>/dev/null; then wait "$nspawn" || true; return; fi
    sleep 0.5
  done
  kill -KILL "$nspawn" || true
}

main
