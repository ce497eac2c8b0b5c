#!/bin/bash
# Uses a release as people would, before anybody gets it: packaging/check-release.sh VERSION FOLDER
#
# Each step is a promise. Nothing of this machine is changed: installing happens on a fresh Debian in a temporary
# folder, and everything that needs Docker in a lab.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."

version=$1 release=$2
LARGEST=15000000

promise() { printf '\n\033[36m# %s\033[0m\n' "$*"; }
fail() { printf 'error: this does not hold: %s\n' "$*" >&2; exit 1; }
# says WORDS COMMAND…: that its output has the words.
says() {
  local words=$1 said
  shift
  said=$("$@" 2>&1) || fail "\`$*\` succeeds; it said: $said"
  grep -qF -- "$words" <<<"$said" || fail "\`$*\` says \`$words\`, and not: $said"
}

main() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  sums
  binaries
  bill
  cargo build --quiet --package dockerops-lab
  package
  installer
  image_of_the_other_machine
  documentation
  main_job
}

sums() {
  promise 'every file has its checksum'
  local listed
  listed=$(cut -c 67- "$release/SHA256SUMS")
  [ "$listed" = "$(cd "$release" && ls -I SHA256SUMS)" ] || fail 'SHA256SUMS lists what is there'
  (cd "$release" && sha256sum --check --strict --quiet SHA256SUMS)
}

binaries() {
  promise "binaries are static, smaller than $LARGEST bytes, run, and say $version"
  local machine binary
  for machine in x86_64 aarch64; do
    binary=$release/dockerops-linux-$machine
    says 'LOAD' readelf --program-headers --wide "$binary"
    if [ -n "$(readelf --program-headers --wide "$binary" | sed -n '/INTERP/p')" ]; then fail "$binary is static"; fi
    [ "$(wc -c <"$binary")" -lt "$LARGEST" ] || fail "$binary is smaller than $LARGEST bytes"
  done
  says "dockerops $version" "$release/dockerops-linux-x86_64" version
  says "dockerops $version" qemu-aarch64-static "$release/dockerops-linux-aarch64" version
  says 'No mistakes' qemu-aarch64-static "$release/dockerops-linux-aarch64" validate "$(example)"
}

# An example repository; gives its folder.
example() {
  [ -e "$work/example" ] || "$release/dockerops-linux-x86_64" init "$work/example" >/dev/null 2>&1
  echo "$work/example"
}

bill() {
  promise 'the bill of materials and the licences name what is in the binary'
  local machine
  grep -qx 'ring [0-9.]*' "$release/dockerops-licences.txt" || fail 'the licences name ring'
  grep -q 'Rich Felker' "$release/dockerops-licences.txt" || fail 'the licences hold that of musl'
  for machine in x86_64 aarch64; do
    grep -q '"bomFormat": "CycloneDX"' "$release/dockerops-linux-$machine.cdx.json" || fail 'it is one of CycloneDX'
    grep -q '"name": "rustls"' "$release/dockerops-linux-$machine.cdx.json" || fail 'it names rustls'
    if grep -q 'path+file:///[^d]' "$release/dockerops-linux-$machine.cdx.json"; then fail 'it does not say where it was built'; fi
  done
}

package() {
  promise 'a fresh Debian: the package installs, works, and goes without a trace'
  mmdebstrap --quiet --variant=minbase bookworm "$work/debian"
  cp -r "$release" "$work/debian/release"
  inside apt-get -qq update
  inside apt-get -qq -y --no-install-recommends install /release/dockerops-linux-x86_64.deb >/dev/null 2>&1 ||
    fail 'apt installs the package'
  says "dockerops $version" inside dockerops version
  says 'git version' inside git --version
  says 'No mistakes' inside sh -c 'dockerops init /example && dockerops validate /example'
  says /usr/bin/dockerops grep ExecStart "$work/debian/usr/lib/systemd/system/dockerops.service"
  for file in man/man1/dockerops-plan.1.gz bash-completion/completions/dockerops; do
    [ -s "$work/debian/usr/share/$file" ] || fail "the package brings $file"
  done
  inside apt-get -qq -y purge dockerops >/dev/null 2>&1 || fail 'apt removes the package'
  left=$(cd "$work/debian" && find . -xdev -path '*dockerops*' -not -path './release*' -not -path './var/log/*' -not -path './var/cache/*')
  [ -z "$left" ] || fail "nothing is left of the package: $left"
}

installer() {
  promise 'a fresh Debian: the installer installs from a folder, twice, and uninstalls'
  says "installed: dockerops $version" inside bash /release/dockerops.sh install --from /release
  says 'already installed' inside bash /release/dockerops.sh install --from /release
  says "dockerops  $version" inside bash /release/dockerops.sh status
  says 'removed: /usr/local/bin/dockerops' inside bash /release/dockerops.sh uninstall --clean-all
}

inside() { env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive chroot "$work/debian" "$@"; }

image_of_the_other_machine() {
  promise 'the image of the other machine has what a run calls'
  mkdir -p "$work/other/layer"
  tar -xzf "$release/dockerops-linux-aarch64.image.tar.gz" -C "$work/other"
  tar -xf "$work"/other/*/layer.tar -C "$work/other/layer"
  says '"architecture":"arm64"' cat "$work"/other/*.json
  says 'git version' emulated bin/git --version
  # It ends with an error when it is given nothing; that it says so is enough.
  said=$(emulated lib/git-core/git-remote-https 2>&1 || true)
  grep -q 'usage: git remote-curl' <<<"$said" || fail "git speaks HTTPS: $said"
  says OpenSSH emulated bin/ssh -V
  says "dockerops $version" emulated bin/dockerops version
  [ "$(grep -c BEGIN "$work/other/layer/etc/ssl/certs/ca-certificates.crt")" -gt 100 ] || fail 'it knows the authorities'
  [ -z "$(find "$work/other/layer" -perm /6000)" ] || fail 'nothing in it is set-uid'
}

# emulated PROGRAM ARGUMENTS…: below /usr of the image for aarch64.
emulated() {
  local program=$1
  shift
  qemu-aarch64-static -L "$work/other/layer" "$work/other/layer/usr/$program" "$@"
}

documentation() {
  promise 'whatever the documentation tells to type works as it stands'
  packaging/check-guide.sh "$release"
}

main_job() {
  promise 'the main job, by the binary of the release'
  mkdir "$work/demo"
  cp target/debug/dockerops-lab "$work/demo/"
  cp "$release/dockerops-linux-x86_64" "$work/demo/dockerops"
  "$work/demo/dockerops-lab" run -- "$work/demo/dockerops-lab" demo >"$work/demo.log" 2>&1 || fail "the demo ends well: $(tail -n 20 "$work/demo.log")"
}

main
