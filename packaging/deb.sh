#!/bin/bash
# Makes a Debian package: packaging/deb.sh VERSION ARCHITECTURE BINARY MAN-PAGES COMPLETIONS LICENCES FILE
#
# What must stay true:
# - Installing changes nothing on the Swarm: the timer is there, and off until somebody enables it.
# - Removing stops and disables the timer, and leaves stacks and data.
# - Two packages of the same files are equal, byte for byte.
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC

version=$1 architecture=$2 binary=$3 pages=$4 completions=$5 licences=$6 file=$7
: "${SOURCE_DATE_EPOCH:?}"
cd "$(dirname "$0")/.."

main() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  root=$work/root
  fill
  mkdir "$root/DEBIAN"
  control >"$root/DEBIAN/control"
  reload >"$root/DEBIAN/postinst"
  reload >"$root/DEBIAN/postrm"
  stop >"$root/DEBIAN/prerm"
  chmod 755 "$root"/DEBIAN/{postinst,prerm,postrm}
  dpkg-deb --root-owner-group -Zxz --build "$root" "$file" >/dev/null
}

fill() {
  local share=$root/usr/share
  install -D -m 755 "$binary" "$root/usr/bin/dockerops"
  install -d "$root/usr/lib/systemd/system" "$share/man/man1" "$share/doc/dockerops/examples"
  # The installer's units call the installer's binary.
  sed -e '/^# Installed and removed by dockerops.sh/,/^$/d' -e 's|/usr/local/bin/|/usr/bin/|' packaging/dockerops.service \
    >"$root/usr/lib/systemd/system/dockerops.service"
  sed -e '/^# Installed and removed by dockerops.sh/,/^$/d' packaging/dockerops.timer \
    >"$root/usr/lib/systemd/system/dockerops.timer"
  # shellcheck disable=SC2016 # backticks in its text are quotes
  sed -e 's|/usr/local/bin/dockerops|/usr/bin/dockerops|' -e 's|`dockerops.sh install --timer`|`systemctl enable --now dockerops.timer`|' \
    packaging/dockerops.cron >"$share/doc/dockerops/examples/dockerops.cron"
  local page
  for page in "$pages"/*.1; do gzip -n -9 <"$page" >"$share/man/man1/${page##*/}.gz"; done
  gzip -n -9 <CHANGELOG.md >"$share/doc/dockerops/CHANGELOG.md.gz"
  gzip -n -9 <"$licences" >"$share/doc/dockerops/licences.gz"
  copyright >"$share/doc/dockerops/copyright"
  install -D -m 644 "$completions/dockerops.bash" "$share/bash-completion/completions/dockerops"
  install -D -m 644 "$completions/_dockerops" "$share/zsh/vendor-completions/_dockerops"
  install -D -m 644 "$completions/dockerops.fish" "$share/fish/vendor_completions.d/dockerops.fish"
}

control() {
  cat <<TEXT
Package: dockerops
Version: ${version/-/\~}
Architecture: $architecture
Maintainer: The DockerOps authors <TomBedinoVT@users.noreply.github.com>
Section: admin
Priority: optional
Depends: git (>= 1:2.25)
Recommends: ca-certificates, openssh-client
Suggests: docker.io (>= 20.10) | docker-ce (>= 5:20.10)
Installed-Size: $(find "$root" -type f -printf '%s\n' | awk '{ sum += $1 } END { print int(sum / 1024) + 1 }')
Homepage: https://github.com/TomBedinoVT/DockerOps
Description: GitOps for Docker Swarm
 Makes a Docker Swarm be what a Git repository says: stacks, volumes and files
 on NFS, secrets. Shows what would change before it does, leaves unchanged
 services alone, waits until the stack is well, and takes the whole stack back
 when it does not get so.
TEXT
}

copyright() {
  cat <<'TEXT'
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: DockerOps
Source: https://github.com/TomBedinoVT/DockerOps

Comment: What is linked into the program has its licences in licences.gz beside this file.

Files: *
TEXT
  sed -n 's/^Copyright (c)/Copyright:/p' LICENSE
  echo 'License: Expat'
  sed -e '1,/^Copyright/d' -e '/./!s/^/./' -e 's/^/ /' LICENSE | sed '1d'
}

# Scripts of the package. Where systemd does not run, as in a container, nothing is started or stopped.
reload() {
  cat <<'TEXT'
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
TEXT
}

# An update also calls this, and shall not stop what runs.
stop() {
  cat <<'TEXT'
#!/bin/sh
set -e
# Units in /etc are the installer's or somebody's own, and not this package's to stop.
if [ "$1" = remove ] && command -v systemctl >/dev/null && [ ! -e /etc/systemd/system/dockerops.timer ]; then
  systemctl --quiet disable dockerops.timer || true
  if [ -d /run/systemd/system ]; then systemctl stop dockerops.timer dockerops.service || true; fi
fi
TEXT
}

main
