#!/bin/bash
# Makes the archive of a container image, for `docker load`: packaging/image.sh VERSION ARCHITECTURE BINARY LICENCES FILE
#
# What must stay true:
# - No Docker and no emulation is needed, so that both machines' images come from one of them: packages are unpacked
#   and never configured, and what their scripts would have written is written here.
# - In it is what a run calls besides itself: git, ssh, a shell for Git, and the certificates of authorities. Nothing in it
#   is set-uid.
# - Two images of the same binary and the same Debian packages are equal, byte for byte.
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC

version=$1 architecture=$2 binary=$3 licences=$4 file=$5
: "${SOURCE_DATE_EPOCH:?}"

MIRROR=http://deb.debian.org
PACKAGES=git,openssh-client,ca-certificates,dash

main() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  unpack
  leave_out
  settle
  install -D -m 755 "$binary" "$work/root/usr/bin/dockerops"
  install -D -m 644 "$licences" "$work/root/usr/share/doc/dockerops/licences.txt"
  pack
}

unpack() {
  mmdebstrap --quiet --variant=extract --architectures="$architecture" --include="$PACKAGES" bookworm "$work/root" \
    "deb $MIRROR/debian bookworm main" "deb $MIRROR/debian bookworm-updates main" \
    "deb $MIRROR/debian-security bookworm-security main"
}

# Everything but what a run calls; and the names of the machine this was made on. Licences stay. Perl is what Git asks,
# patches and mails with, not what it clones with.
leave_out() (
  cd "$work/root"
  find bin usr/bin ! -type d ! -name dash ! -name sh ! -name 'git*' ! -name 'ssh*' -delete
  rm -rf sbin/* usr/sbin var dev etc/{hostname,resolv.conf,fstab,apt,dpkg,pam.d,security,cron.daily,logrotate.d,alternatives} \
    usr/share/{man,info,locale,lintian,bash-completion,zsh,perl,perl5,gitweb,pam} usr/lib/*/{perl,perl-base,perl5}
  chmod -R u-s,g-s .
  find usr/share/doc -type f ! -name copyright -delete
  find usr/share/doc -type d -empty -delete
)

# What Debian's scripts would have written: users, and all certificates in one file.
settle() {
  local root=$work/root
  mkdir -p "$root"/{dev,proc,sys,root,var/tmp} "$root/etc/ssl/certs"
  chmod 700 "$root/root"
  chmod 1777 "$root/tmp" "$root/var/tmp"
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
  find "$root/usr/share/ca-certificates" -name '*.crt' | sort | while read -r certificate; do
    cat "$certificate"
    # The last line of some has no end.
    echo
  done >"$root/etc/ssl/certs/ca-certificates.crt"
}

# The form that `docker save` writes: one layer, one description, and a list of both.
pack() {
  local layer description
  tarred "$work/root" . >"$work/layer.tar"
  layer=$(digest "$work/layer.tar")
  mkdir -p "$work/image/$layer"
  mv "$work/layer.tar" "$work/image/$layer/layer.tar"
  describe "$layer" >"$work/description"
  description=$(digest "$work/description").json
  mv "$work/description" "$work/image/$description"
  printf '[{"Config":"%s","RepoTags":["dockerops:%s"],"Layers":["%s/layer.tar"]}]\n' \
    "$description" "$version" "$layer" >"$work/image/manifest.json"
  tarred "$work/image" manifest.json "$description" "$layer" | gzip -n -9 >"$file"
}

# tarred FOLDER NAMES…: the same files give the same bytes.
tarred() {
  local folder=$1
  shift
  tar --create --directory "$folder" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --clamp-mtime \
    --owner=0 --group=0 --numeric-owner --format=gnu "$@"
}

digest() { sha256sum <"$1" | cut -d ' ' -f 1; }

describe() {
  local created
  created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%FT%TZ)
  cat <<JSON
{"architecture":"$architecture","os":"linux","created":"$created",
 "config":{"Entrypoint":["/usr/bin/dockerops"],"Cmd":["help"],"WorkingDir":"/root",
  "Env":["PATH=/usr/bin:/bin:/usr/sbin:/sbin","HOME=/root"],
  "Labels":{"org.opencontainers.image.title":"DockerOps","org.opencontainers.image.version":"$version",
   "org.opencontainers.image.licenses":"MIT AND GPL-2.0-only","org.opencontainers.image.source":"https://github.com/TomBedinoVT/DockerOps"}},
 "rootfs":{"type":"layers","diff_ids":["sha256:$1"]},
 "history":[{"created":"$created","created_by":"packaging/image.sh"}]}
JSON
}

main
