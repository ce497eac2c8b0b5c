#!/bin/bash
# Builds what a release holds, and checks it: `./dev release VERSION [--twice]`. RELEASE.md says how a release is made.
#
# What must stay true:
# - It is built from the last commit, by the scripts of that commit, in a fresh folder, without what the environment says
#   to compilers and archivers. The commit, rustc, the tools pinned here and in release-tools.txt, and for the images the
#   day's Debian packages decide every byte; `--twice` shows it.
# - Nothing is tagged, signed without a key, or sent anywhere.
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC

MACHINES='x86_64 aarch64'
CYCLONEDX=0.5.9

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

main() {
  local version=${1:-} twice=${2:-} out
  version=${version#v}
  [ -n "$version" ] || fail 'which version? ./dev release VERSION'
  case $twice in '' | --twice) ;; *) fail "there is no option \`$twice\`" ;; esac
  find_key
  cd "$(dirname "$0")/.."
  repository=$PWD tools=$PWD/target/release-tools out=$PWD/target/dist/v$version
  check_version "$version"
  clean_environment
  bring_tools
  work=$(mktemp -d -p "${TMPDIR:-/var/tmp}" dockerops-release.XXXXXX)
  trap 'rm -rf "$work"' EXIT
  build "$version" "$work/one" "$out"
  if [ -n "$twice" ]; then build_again "$version" "$out"; fi
  say "checking $out"
  packaging/check-release.sh "$version" "$out"
  if [ -n "${DOCKEROPS_SIGNING_KEY:-}" ]; then packaging/sign.sh "$out"; fi
  say "the files of v$version are in $out"
  (cd "$out" && ls -l)
}

# Named from where the caller is, and missed now rather than after the build.
find_key() {
  if [ -z "${DOCKEROPS_SIGNING_KEY:-}" ]; then return; fi
  DOCKEROPS_SIGNING_KEY=$(realpath -e -- "$DOCKEROPS_SIGNING_KEY") || fail 'DOCKEROPS_SIGNING_KEY names no file'
  export DOCKEROPS_SIGNING_KEY
}

# The version stands in Cargo.toml and nowhere else. Other forms are no names of images, or mean something else to Debian.
check_version() {
  local own
  own=$(git show HEAD:Cargo.toml | packaging/version.sh -)
  [ "$1" = "$own" ] || fail "Cargo.toml says version $own in the last commit, not $1: change it there, commit, and run this again (RELEASE.md)"
  [[ $1 =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9a-z.]+)?$ ]] || fail "a version is X.Y.Z or X.Y.Z-rc.N, and not $1"
  if [ -n "$(git status --porcelain)" ]; then
    echo 'note: the release is built from the last commit; what is not committed is not in it' >&2
  fi
}

clean_environment() {
  local name
  while read -r name; do
    case $name in
      CARGO_HOME | RUSTUP_*) ;;
      CARGO* | RUST* | CC | CC_* | AR | AR_* | LD | ZIG* | *FLAGS | *FLAGS_* | SOURCE_DATE_EPOCH) unset "$name" ;;
      TAR_OPTIONS | GZIP | XZ_* | DPKG_* | DEB_* | GIT_*) unset "$name" ;;
    esac
  done < <(compgen -e)
}

bring_tools() {
  say 'tools'
  [ "$(uname -m)" = x86_64 ] || fail 'releases are built on x86_64: release-tools.txt pins the tools of that machine only'
  command -v rustup >/dev/null || fail 'rustup is missing, which brings Rust for musl: https://rustup.rs'
  [ -x "$tools/python/bin/pip" ] || python3 -m venv "$tools/python"
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r packaging/release-tools.txt
  PATH=$tools/python/bin:$tools/bin:$PATH
  local machine
  for machine in $MACHINES; do rustup --quiet target add "$machine-unknown-linux-musl"; done
  if ! grep -qs "cargo-cyclonedx $CYCLONEDX" "$tools/.crates.toml"; then
    cargo install --quiet --locked --root "$tools" cargo-cyclonedx --version "$CYCLONEDX"
  fi
}

# build VERSION FOLDER OUT
build() {
  say "building in $2"
  rm -rf "$3"
  mkdir -p "$2" "$3"
  refuse_configuration "$2"
  git -c core.autocrlf=false clone --quiet "$repository" "$2/source"
  "$2/source/packaging/build-release.sh" "$1" "$2" "$3"
}

# Cargo and rustup listen to files in every folder above.
refuse_configuration() {
  local folder=$1 name
  while [ "$folder" != / ]; do
    folder=$(dirname "$folder")
    for name in .cargo/config .cargo/config.toml rust-toolchain rust-toolchain.toml; do
      [ ! -e "$folder/$name" ] || fail "\`$folder/$name\` would have a say in the release: build elsewhere (TMPDIR)"
    done
  done
}

build_again() {
  local out=$work/again/dist
  build "$1" "$work/again/in/another/folder" "$out"
  diff "$2/SHA256SUMS" "$out/SHA256SUMS" || fail "two builds differ; the first is in $2"
  echo 'two builds in two folders are equal, byte for byte'
}

main "$@"
