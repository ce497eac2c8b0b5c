#!/bin/bash
# Runs the container image on a Swarm of the lab: packaging/check-image.sh VERSION FILE, by `dockerops-lab run --`.
#
# The container gets what the guide tells people to give it, and watches a repository.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$1 file=$2
: "${DOCKEROPS_LAB:?is set by dockerops-lab run}"
docker=(docker -H "unix://$DOCKEROPS_LAB/n1/d.sock")

fail() { printf 'error: this does not hold: %s\n' "$*" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

dockerops() {
  "${docker[@]}" run --rm --network host -v "$DOCKEROPS_LAB/n1/d.sock:/var/run/docker.sock" \
    -v "$work/data:/root/.dockerops" "dockerops:$version" "$@"
}

printf '\n\033[36m# %s\033[0m\n' 'the image loads, says its version, and deploys a repository'
"${docker[@]}" load --quiet --input "$file"
said=$(dockerops version)
grep -qx "dockerops $version" <<<"$said" || fail "the image says its version: $said"
"${docker[@]}" run --rm --entrypoint ssh "dockerops:$version" -V || fail 'the image has ssh'

target/debug/dockerops-lab push image-check 1 one
mkdir -p "$work/repository/image-check"
echo '- name: image-check' >"$work/repository/stacks.yaml"
echo 'services: {web: {image: "127.0.0.1:5000/image-check:1"}}' >"$work/repository/image-check/docker-compose.yml"
target/debug/dockerops-lab repository image-check "$work/repository"
dockerops watch http://127.0.0.1:8080/image-check.git
"${docker[@]}" run --rm --network host --entrypoint git -v "$DOCKEROPS_LAB/tls.pem:/tls.pem" -e GIT_SSL_CAINFO=/tls.pem \
  "dockerops:$version" ls-remote https://127.0.0.1:8443/image-check.git HEAD || fail 'git in the image speaks HTTPS'
said=$(dockerops reconcile)
grep -q '1 unchanged' <<<"$said" || fail "the next run changes nothing: $said"
dockerops stop --yes
