#!/bin/bash
# Builds the files of a release from the clone that it lies in: packaging/build-release.sh VERSION FOLDER OUT
#
# Called by release.sh, which brings the tools. What is made on the way goes into FOLDER. Neither FOLDER nor anything else
# of the machine may get into a file of OUT.
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC
cd "$(dirname "$0")/.."

version=$1 folder=$2 out=$3
MACHINES='x86_64 aarch64'
crates=${CARGO_HOME:-$HOME/.cargo}

main() {
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
  export SOURCE_DATE_EPOCH
  binaries
  texts
  bills_of_materials
  packaging/licences.sh "$crates" >"$out/dockerops-licences.txt"
  packages
  build_info >"$out/build-info.txt"
  (cd "$out" && sha256sum -- * >.SHA256SUMS && mv .SHA256SUMS SHA256SUMS)
}

# Where it is built, and where the crates lie, is in no binary.
binaries() (
  target=$folder/target
  export CARGO_TARGET_DIR=$target CARGO_INCREMENTAL=0
  export RUSTFLAGS="--remap-path-prefix=$crates=/cargo --remap-path-prefix=$PWD=/dockerops --remap-path-prefix=$target=/target"
  export CFLAGS="-ffile-prefix-map=$crates=/cargo -ffile-prefix-map=$target=/target"
  for machine in $MACHINES; do
    cargo zigbuild --quiet --release --locked --package dockerops --target "$machine-unknown-linux-musl"
    install -m 755 "$target/$machine-unknown-linux-musl/release/dockerops" "$out/dockerops-linux-$machine"
  done
)

# What the program writes of itself, and what is taken as it is.
texts() {
  local program=$out/dockerops-linux-x86_64
  mkdir "$folder/completions"
  "$program" man "$folder/man" >/dev/null
  "$program" completion bash >"$folder/completions/dockerops.bash"
  "$program" completion zsh >"$folder/completions/_dockerops"
  "$program" completion fish >"$folder/completions/dockerops.fish"
  tarred man >"$out/dockerops-man.tar.gz"
  tarred completions >"$out/dockerops-completions.tar.gz"
  cp packaging/dockerops.service packaging/dockerops.timer packaging/dockerops.cron dockerops.sh "$out"
}

tarred() {
  tar --create --directory "$folder" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
    --format=gnu "$1" | gzip -n -9
}

bills_of_materials() {
  local machine bill=crates/dockerops/dockerops_bin.cdx.json
  for machine in $MACHINES; do
    cargo cyclonedx --quiet --manifest-path crates/dockerops/Cargo.toml --format json --spec-version 1.5 \
      --describe binaries --target "$machine-unknown-linux-musl"
    # Our own crates are named by where they lie.
    sed "s|path+file://$PWD/|path+file:///dockerops/|" "$bill" >"$out/dockerops-linux-$machine.cdx.json"
  done
}

packages() {
  local machine architecture binary licences=$out/dockerops-licences.txt
  for machine in $MACHINES; do
    # As Debian and Docker call it.
    case $machine in x86_64) architecture=amd64 ;; aarch64) architecture=arm64 ;; esac
    binary=$out/dockerops-linux-$machine
    packaging/deb.sh "$version" "$architecture" "$binary" "$folder/man" "$folder/completions" "$licences" "$binary.deb"
    packaging/image.sh "$version" "$architecture" "$binary" "$licences" "$binary.image.tar.gz"
  done
}

# What it takes to build the same again.
build_info() {
  echo "commit: $(git rev-parse HEAD)"
  echo "rustc: $(rustc --version)"
  echo "cargo: $(cargo --version)"
  sed -n 's/^\([a-z-]*\)==\([^ ]*\) .*/\1: \2/p' packaging/release-tools.txt
  local program
  for program in dpkg-deb tar gzip xz mmdebstrap; do echo "$program: $("$program" --version | sed -n 1p)"; done
}

main
