#!/bin/bash
# Builds what a release holds, and checks it: `./dev release VERSION [--twice]`. RELEASE.md says how a release is made.
#
# What must stay true:
# - It is built from a commit, never from the work tree. The commit, rustc, the tools pinned here and in
#   release-tools.txt, and for the images the day's Debian packages decide every byte; `--twice` shows that.
# - Nothing is tagged, signed without a key, or sent anywhere.
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC
cd "$(dirname "$0")/.."
repository=$PWD

MACHINES='x86_64 aarch64'
CYCLONEDX=0.5.9
tools=$repository/target/release-tools

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

main() {
  local version=${1:-} twice=${2:-}
  [ -n "$version" ] || fail 'which version? ./dev release VERSION'
  case $twice in '' | --twice) ;; *) fail "there is no option \`$twice\`" ;; esac
  check_version "${version#v}"
  bring_tools
  local out=$repository/target/dist/v${version#v}
  build "${version#v}" "$repository/target/release-build" "$out"
  if [ -n "$twice" ]; then build_again "${version#v}" "$out"; fi
  say "checking $out"
  packaging/check-release.sh "${version#v}" "$out"
  if [ -n "${DOCKEROPS_SIGNING_KEY:-}" ]; then packaging/sign.sh "$out"; fi
  say "the files of v${version#v} are in $out"
  (cd "$out" && ls -l)
}

# The version stands in Cargo.toml and nowhere else.
check_version() {
  local own
  own=$(packaging/version.sh)
  [ "$1" = "$own" ] || fail "Cargo.toml says version $own, not $1: change it there, commit, and run this again (RELEASE.md)"
  if [ -n "$(git status --porcelain)" ]; then
    echo 'note: the release is built from the last commit; what is not committed is not in it' >&2
  fi
}

bring_tools() {
  say 'tools'
  [ "$(uname -m)" = x86_64 ] || fail 'releases are built on x86_64: release-tools.txt pins the tools of that machine only'
  [ -x "$tools/python/bin/pip" ] || python3 -m venv "$tools/python"
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r packaging/release-tools.txt
  PATH=$tools/python/bin:$tools/bin:$PATH
  command -v rustup >/dev/null || fail 'rustup is missing, which brings Rust for musl: https://rustup.rs'
  local machine
  for machine in $MACHINES; do rustup --quiet target add "$machine-unknown-linux-musl"; done
  if ! grep -qs "cargo-cyclonedx $CYCLONEDX" "$tools/.crates.toml"; then
    cargo install --quiet --locked --root "$tools" cargo-cyclonedx --version "$CYCLONEDX"
  fi
}

# build VERSION FOLDER OUT
build() {
  local version=$1 source=$2/source out=$3
  say "building in $2"
  rm -rf "$source" "$out"
  mkdir -p "$out"
  git clone --quiet "$repository" "$source"
  cd "$source"
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
  export SOURCE_DATE_EPOCH
  binaries "$2/target" "$out"
  texts "$2" "$out"
  bill_of_materials "$out"
  packages "$version" "$2" "$out"
  build_info >"$out/build-info.txt"
  (cd "$out" && sha256sum -- * >.SHA256SUMS && mv .SHA256SUMS SHA256SUMS)
  cd "$repository"
}

# Where it is built, and where the crates lie, is in no binary.
binaries() {
  local target=$1 out=$2 machine crates=${CARGO_HOME:-$HOME/.cargo}
  export CARGO_TARGET_DIR=$target CARGO_INCREMENTAL=0
  export RUSTFLAGS="--remap-path-prefix=$crates=/cargo --remap-path-prefix=$PWD=/dockerops --remap-path-prefix=$target=/target"
  export CFLAGS="-ffile-prefix-map=$crates=/cargo -ffile-prefix-map=$target=/target"
  for machine in $MACHINES; do
    cargo zigbuild --quiet --release --locked --package dockerops --target "$machine-unknown-linux-musl"
    install -m 755 "$target/$machine-unknown-linux-musl/release/dockerops" "$out/dockerops-linux-$machine"
  done
  unset CARGO_TARGET_DIR RUSTFLAGS CFLAGS
}

# What the program writes of itself, and what is taken as it is.
texts() {
  local folder=$1 out=$2 program=$2/dockerops-linux-x86_64
  rm -rf "$folder/man" "$folder/completions"
  mkdir "$folder/completions"
  "$program" man "$folder/man" >/dev/null
  "$program" completion bash >"$folder/completions/dockerops.bash"
  "$program" completion zsh >"$folder/completions/_dockerops"
  "$program" completion fish >"$folder/completions/dockerops.fish"
  tarred "$folder" man >"$out/dockerops-man.tar.gz"
  tarred "$folder" completions >"$out/dockerops-completions.tar.gz"
  cp packaging/dockerops.service packaging/dockerops.timer packaging/dockerops.cron dockerops.sh "$out"
}

tarred() {
  tar --create --directory "$1" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
    --format=gnu "$2" | gzip -n -9
}

bill_of_materials() {
  local out=$1 machine
  for machine in $MACHINES; do
    cargo cyclonedx --quiet --manifest-path crates/dockerops/Cargo.toml --format json --spec-version 1.5 \
      --describe binaries --target "$machine-unknown-linux-musl"
    # Our own crates are named by where they lie.
    sed "s|path+file://$PWD/|path+file:///dockerops/|" crates/dockerops/dockerops_bin.cdx.json \
      >"$out/dockerops-linux-$machine.cdx.json"
  done
}

packages() {
  local version=$1 folder=$2 out=$3 machine
  for machine in $MACHINES; do
    local binary=$out/dockerops-linux-$machine
    packaging/deb.sh "$version" "$machine" "$binary" "$folder/man" "$folder/completions" "$out/dockerops-linux-$machine.deb"
    packaging/image.sh "$version" "$machine" "$binary" "$out/dockerops-linux-$machine.image.tar.gz"
  done
}

# What it takes to build the same again.
build_info() {
  echo "commit: $(git rev-parse HEAD)"
  echo "rustc: $(rustc --version)"
  echo "zig: $("$tools/python/bin/python" -m ziglang version)"
  cargo-zigbuild --version
  cargo cyclonedx --version
}

build_again() {
  local again=$repository/target/release-again
  rm -rf "$again"
  build "$1" "$again/in/another/folder" "$again/dist"
  diff "$2/SHA256SUMS" "$again/dist/SHA256SUMS" || fail "two builds differ: compare $2 with $again/dist"
  echo 'two builds in two folders are equal, byte for byte'
  rm -rf "$again"
}

main "$@"
