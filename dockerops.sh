#!/bin/bash
# Installs, updates, removes and examines DockerOps: `./dockerops.sh help`.
#
# What must stay true:
# - Nothing is replaced before its SHA-256 is checked, and its signature where that can be.
# - A failure leaves what was installed as it was, and no temporary file behind.
# - Only what DockerOps or this script put there is removed, and `--clean-*` says beforehand what that is.
# - Plain bash and curl. Read from a pipe it does nothing before its last line has arrived.
#
# Bash forgets `set -e` inside `$(…)` and to the left of `&&` and `||`: there, failures are passed on by hand.
# shellcheck disable=SC2016 # backticks in messages are quotes
set -euo pipefail
umask 022

# --- where things are -------------------------------------------------------------------

RELEASES=${DOCKEROPS_RELEASES:-https://github.com/TomBedinoVT/DockerOps/releases}
RELEASES=${RELEASES%/}
# As DESTDIR of `make install`: tests and image builders install below a folder.
ROOT=${DOCKEROPS_DESTDIR:-}
BIN=$ROOT/usr/local/bin
BINARY=$BIN/dockerops
BACKUP=$BIN/dockerops.backup
# Where the Debian package puts it, which is apt's to update and to remove.
PACKAGED=$ROOT/usr/bin/dockerops
UNITS=$ROOT/etc/systemd/system
ETC=$ROOT/etc/dockerops

# The minisign public key of releases; empty until the first release is signed. minisign and not cosign: it is
# one small package of every distribution, and works with one key and no further server, also offline.
KEY=${DOCKEROPS_RELEASE_KEY:-}

# By this line a unit of ours is told from one that somebody wrote by hand.
UNIT_MARK='# Installed and removed by dockerops.sh'

usage() {
  cat <<TEXT
Installs, updates, removes and examines DockerOps, GitOps for Docker Swarm.

./dockerops.sh install [OPTIONS]     install, or update to, the newest release (root)
  -v, --version VERSION   this release instead, such as v1.2.0
  --from DIR              from a folder that holds the files of a release: nothing is downloaded
  --timer                 also reconcile every five minutes, by a systemd timer
  --clean-db              then delete the database: repositories must be watched again
  --clean-dirs            then delete mirrors of repositories and log files
  --clean-all             both, and the key that fingerprints of secrets are made with
  -y, --yes               do not ask before deleting

./dockerops.sh uninstall [OPTIONS]   remove the binary, its backup and the timer (root)
  --clean-all             also all data and settings: the folder ~/.dockerops, the database, /etc/dockerops
  -y, --yes               do not ask before deleting

./dockerops.sh status                versions, paths, database, Docker and Swarm
./dockerops.sh help                  this text

--clean-* list what they delete. On a terminal they ask; WITHOUT A TERMINAL (cron, CI) THEY DO NOT ASK.
Stacks, volumes and files on NFS are never touched: \`dockerops stop\` removes stacks.

The release before stays as $BACKUP and comes back when the new one does not start.

In one line:
  curl -sSL https://raw.githubusercontent.com/TomBedinoVT/DockerOps/main/dockerops.sh | sudo bash -s install

Environment:
  DOCKEROPS_RELEASES      where releases are      (https://github.com/TomBedinoVT/DockerOps/releases)
  DOCKEROPS_RELEASE_KEY   minisign public key that releases must be signed with
  DOCKEROPS_DESTDIR       put everything below this folder instead of /
  DOCKEROPS_DB_PATH, DOCKEROPS_LOG_DIR, DOCKER_HOST    as for dockerops, also from its settings files
TEXT
}

# --- talking ----------------------------------------------------------------------------

say() { printf '%s\n' "$*" >&2; }

# fail WHAT-HAPPENED WHAT-TO-DO
fail() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 1
}

# Somebody who can answer, also when standard input is this script: `curl … | sudo bash -s`.
at_a_terminal() { [ -t 2 ] && (: </dev/tty) 2>/dev/null; }

# Without a terminal the option itself is the consent, as with `dockerops stop`.
agree_or_end() {
  local answer=''
  if [ "$yes" = yes ] || ! at_a_terminal; then return; fi
  printf '%s [y/N] ' "$1" >&2
  read -r answer </dev/tty || true
  case $answer in
    [yY] | [yY][eE][sS]) ;;
    *) fail 'nothing was changed, as you did not say yes' 'Leave the option out, or give --yes to be asked no more.' ;;
  esac
}

# --- options ----------------------------------------------------------------------------

version='' from='' timer=no clean='' yes=no

install_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      -v | --version) version=$(version_of "${2-}"); shift ;;
      --from) from=$(folder_of "${2-}"); shift ;;
      --timer) timer=yes ;;
      --clean-db) clean="$clean db" ;;
      --clean-dirs) clean="$clean dirs" ;;
      --clean-all) clean="$clean db dirs key" ;;
      -y | --yes) yes=yes ;;
      *) unknown_option "$1" install ;;
    esac
    shift
  done
  if [ -n "$version" ] && [ -n "$from" ]; then
    fail '--version and --from exclude each other' 'The folder given with --from says which release it is.'
  fi
}

uninstall_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --clean-all) clean='db dirs key settings' ;;
      -y | --yes) yes=yes ;;
      *) unknown_option "$1" uninstall ;;
    esac
    shift
  done
}

unknown_option() { fail "\`$2\` has no option \`$1\`" 'See `dockerops.sh help`.'; }

# `1.2.0` and `v1.2.0` are the same release. It becomes part of an address: nothing else is let through.
version_of() {
  local plain=${1#v}
  if [[ ! $plain =~ ^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$ ]]; then
    fail "\`$1\` is not a version" "Give one such as v1.2.0; $RELEASES lists them."
  fi
  printf 'v%s\n' "$plain"
}

folder_of() {
  if [ ! -d "$1" ]; then fail "\`$1\` is not a folder" '--from needs the folder with the files of a release.'; fi
  (cd "$1" && pwd)
}

# --- what must be there -----------------------------------------------------------------

need_root() {
  if [ "$(id -u)" != 0 ]; then
    fail "\`$1\` must be run with root privileges (use sudo)" "Run \`sudo ./dockerops.sh $1\`, or pipe into \`sudo bash -s $1\`."
  fi
}

need_command() {
  if ! command -v "$1" >/dev/null; then fail "\`$1\` is not installed" "Install it (Debian: \`apt-get install $2\`), then run this again."; fi
}

need_systemd() {
  if [ ! -d "$ROOT/run/systemd/system" ] || ! command -v systemctl >/dev/null; then
    fail 'systemd does not run here, so there can be no timer' \
      "Leave --timer out, and use cron: */5 * * * * root /usr/local/bin/dockerops reconcile"
  fi
  local unit
  for unit in dockerops.service dockerops.timer; do
    if [ -e "$UNITS/$unit" ] && ! is_ours "$UNITS/$unit"; then
      fail "\`$UNITS/$unit\` was not written by this script" 'Move it away, or leave --timer out and keep it.'
    fi
  done
}

is_ours() { grep -qsF "$UNIT_MARK" "$1"; }

# The part of a release's file names that says for which machines it is.
machine() {
  local system machine
  system=$(uname -s) machine=$(uname -m)
  case $system-$machine in
    Linux-x86_64 | Linux-amd64) echo linux-x86_64 ;;
    Linux-aarch64 | Linux-arm64) echo linux-aarch64 ;;
    *) fail "there are no releases for $system on $machine" 'Build it: `cargo build --release` (docs/guide/install.md).' ;;
  esac
}

# --- a place to work in -----------------------------------------------------------------

work='' unproven=no

# Beside the binary, so that the last step is a rename: at every moment there is one whole `dockerops`.
begin() {
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  mkdir -p "$BIN" 2>/dev/null || fail_to_write
  lock
  work=$(mktemp -d "$BIN/.dockerops-install.XXXXXX" 2>/dev/null) || fail_to_write
}

# Two of us would take each other's backup.
lock() {
  exec 9<"$BIN"
  if command -v flock >/dev/null && ! flock -n 9; then
    fail 'another dockerops.sh is at work' 'Wait until it has ended, then run this again.'
  fi
  # As we hold the lock, these are of a run that was killed.
  rm -rf "$BIN"/.dockerops-install.*
}

fail_to_write() { fail "\`$BIN\` cannot be written" "Is it mounted read-only, or the disk full? \`df -h $BIN\` tells."; }

finish() {
  local code=$?
  trap - EXIT
  if [ "$unproven" = yes ]; then put_back; fi
  if [ -n "$work" ]; then rm -rf "$work"; fi
  rm -f "$UNITS"/.dockerops.*.new
  exit "$code"
}

# --- a release --------------------------------------------------------------------------

# The newest release is where its page leads to: that needs no API, hence no rate limit and no JSON.
newest() {
  local page
  page=$(ask_curl "$RELEASES/latest" --head --output /dev/null --write-out '%{url_effective}') || exit 1
  case $page in
    */tag/*) version_of "${page##*/tag/}" ;;
    *) fail "there is no release at $RELEASES" 'Give one with --version, or a folder with --from.' ;;
  esac
}

# fetch FILE: a file of the release becomes $work/FILE.
fetch() {
  if [ -n "$from" ]; then
    if [ ! -e "$from/$1" ]; then fail "\`$from\` has no \`$1\`" "It must hold the files of a release: SHA256SUMS, dockerops-$target."; fi
    cp -- "$from/$1" "$work/$1" || fail_to_write
  else
    ask_curl "$RELEASES/download/$version/$1" --output "$work/$1"
  fi
}

# ask_curl ADDRESS OPTIONS…
#
# A redirect may never lead from https to http. A connection that falls silent ends after half a minute.
ask_curl() {
  local address=$1 protocols='=https' code=0 said
  shift
  case $address in http://*) protocols='=http,https' ;; esac
  { said=$(curl --silent --show-error --fail --location --proto "$protocols" --proto-redir "$protocols" \
    --connect-timeout 15 --speed-limit 100 --speed-time 30 --retry 2 "$@" "$address" 2>&1 1>&3) || code=$?; } 3>&1
  if [ "$code" != 0 ]; then
    said=${said:-curl ended with $code}
    # Before the last line stand what was tried again.
    download_failed "$code" "$address" "${said##*$'\n'}"
  fi
}

download_failed() {
  local code=$1 address=$2 said=$3 hint='Run it again; if that does not help, download the release elsewhere and give --from DIR.'
  case $code-$said in
    22-*404*) hint="There is no such file: does the release exist? $RELEASES lists them." ;;
    5-* | 6-* | 7-* | 28-*) hint='Is there a network, and a proxy if one is needed (https_proxy)? Without: download the release elsewhere and give --from DIR.' ;;
    23-*) hint="Is the disk full? \`df -h $BIN\` tells." ;;
    35-* | 60-* | 77-*) hint='Is `ca-certificates` installed, and the clock right?' ;;
  esac
  fail "\`$address\` could not be downloaded: $said" "$hint"
}

# The signature covers SHA256SUMS, and that covers every other file.
check_signature() {
  if [ -z "$KEY" ]; then say 'signature: not checked, as no key of releases is known'; return; fi
  if ! command -v minisign >/dev/null; then
    say 'signature: not checked, as minisign is not installed (Debian: apt-get install minisign)'
    return
  fi
  fetch SHA256SUMS.minisig
  minisign -Vqm "$work/SHA256SUMS" -x "$work/SHA256SUMS.minisig" -P "$KEY" >/dev/null 2>&1 ||
    fail 'SHA256SUMS is not signed with the key of releases; nothing was replaced' \
      "Do not install this. Tell the maintainers where it came from: ${from:-$RELEASES}."
  say 'signature: good'
}

checksum_of() {
  local sum file
  while read -r sum file; do
    if [ "${file#\*}" = "$1" ]; then printf '%s\n' "$sum"; fi
  done <"$work/SHA256SUMS"
}

sha256_of() {
  local sum
  sum=$(sha256sum <"$1")
  printf '%s\n' "${sum%% *}"
}

# expected FILE: its checksum, of which there must be exactly one.
expected() {
  local sum
  sum=$(checksum_of "$1")
  if [[ ! $sum =~ ^[0-9a-f]{64}$ ]]; then
    fail "SHA256SUMS has no checksum for \`$1\`; nothing was replaced" 'The release is not whole: take another, or tell the maintainers.'
  fi
  printf '%s\n' "$sum"
}

fetch_checked() {
  local expected actual
  expected=$(expected "$1")
  fetch "$1"
  actual=$(sha256_of "$work/$1")
  if [ "$actual" != "$expected" ]; then
    fail "\`$1\` has the wrong SHA-256 ($actual, not $expected); nothing was replaced" \
      'It was damaged on its way, or is not what was released. Run it again; if it stays so, tell the maintainers.'
  fi
}

# --- replacing the binary ---------------------------------------------------------------

# A second name costs no space, so a full disk cannot come between.
second_name() { ln "$1" "$2" 2>/dev/null || cp -p "$1" "$2" || fail_to_write; }

replace() {
  mv "$work/$asset" "$work/dockerops"
  chmod 755 "$work/dockerops"
  sync "$work/dockerops" || fail_to_write
  if [ -d "$BINARY" ]; then fail "\`$BINARY\` is a folder" 'Move it away, then run this again.'; fi
  if [ -e "$BACKUP" ]; then second_name "$BACKUP" "$work/older"; fi
  if [ -e "$BINARY" ]; then
    second_name "$BINARY" "$work/previous"
    second_name "$BINARY" "$work/backup"
  fi
  unproven=yes
  if [ -e "$work/backup" ]; then mv -f "$work/backup" "$BACKUP"; fi
  mv -f "$work/dockerops" "$BINARY"
}

# Also when we are interrupted between `replace` and `prove`.
put_back() {
  unproven=no
  if [ -e "$work/previous" ]; then mv -f "$work/previous" "$BINARY"; else rm -f "$BINARY"; fi
  if [ -e "$work/older" ]; then mv -f "$work/older" "$BACKUP"; else rm -f "$BACKUP"; fi
}

# What `FILE version` says, in one line; fails when it does not start, or hangs.
version_said() {
  local said code=0
  said=$(timeout 20 "$1" version </dev/null 2>&1) || code=$?
  printf '%s\n' "${said%%$'\n'*}"
  return "$code"
}

prove() {
  local said kept='the machine is as it was'
  if [ -e "$work/previous" ]; then kept='the release before is back'; fi
  said=$(version_said "$BINARY") ||
    fail "the new dockerops does not start: ${said:-it said nothing}; $kept" 'Install another release with --version, and tell the maintainers.'
  # A release that holds another version's binary is a mistake, or an old one passed off as new.
  if [ -n "$version" ] && [ "$said" != "dockerops ${version#v}" ]; then
    fail "release $version holds a binary that says \`$said\`; $kept" 'Install another release with --version, and tell the maintainers.'
  fi
  unproven=no
  say "installed: $said ($BINARY)"
  if [ -e "$work/previous" ]; then say "the release before is kept: $BACKUP"; fi
}

# --- the timer --------------------------------------------------------------------------

install_timer() {
  local unit
  mkdir -p "$UNITS"
  for unit in dockerops.service dockerops.timer; do
    if ! cp "$work/$unit" "$UNITS/.$unit.new" || ! mv -f "$UNITS/.$unit.new" "$UNITS/$unit"; then
      fail "dockerops is installed, but \`$UNITS\` cannot be written" "Is the disk full? \`df -h $UNITS\` tells. Then run this again."
    fi
  done
  if ! systemctl daemon-reload || ! systemctl enable --quiet --now dockerops.timer; then
    fail 'the timer is installed, but systemd did not start it' 'See `systemctl status dockerops.timer`; then `systemctl enable --now dockerops.timer`.'
  fi
  say 'timer: dockerops reconciles every five minutes (`systemctl list-timers dockerops.timer`, `sudo journalctl -u dockerops`)'
}

remove_timer() {
  local unit found=no
  for unit in dockerops.timer dockerops.service; do
    if is_ours "$UNITS/$unit"; then
      found=yes
      # The service is stopped too: its run ends cleanly, and nothing starts it again.
      systemctl stop "$unit" 2>/dev/null || say "note: systemd could not stop $unit"
      systemctl disable --quiet "$unit" 2>/dev/null || true
      rm -f "$UNITS/$unit"
      say "removed: $UNITS/$unit"
    elif [ -e "$UNITS/$unit" ]; then
      say "left alone: $UNITS/$unit, which this script did not write"
    fi
  done
  if [ "$found" = yes ]; then systemctl daemon-reload || say 'note: run `systemctl daemon-reload`'; fi
}

# --- data -------------------------------------------------------------------------------

folder='' database='' logs=''

# Where DockerOps, run by root, has its data. Whoever asks without root asks about root's.
find_data() {
  local home=${HOME:-}
  if [ -z "$home" ] || [ "$(id -u)" != 0 ]; then home=$(home_of_root); fi
  case $home in
    /*) ;;
    *) fail "the home folder \`$home\` is not an absolute path" 'Set HOME, as for dockerops.' ;;
  esac
  folder=${home%/}/.dockerops
  database=$(path_setting DOCKEROPS_DB_PATH "$home" "$folder/dockerops.db")
  logs=$(path_setting DOCKEROPS_LOG_DIR "$home" "$folder/logs")
}

home_of_root() {
  local uid home
  while IFS=: read -r _ _ uid _ _ home _; do
    if [ "$uid" = 0 ]; then printf '%s\n' "$home"; return; fi
  done </etc/passwd
}

# setting NAME: what dockerops itself would read: environment, the user's file, the machine's.
setting() {
  local file line value
  if [ -n "${!1+set}" ]; then printf '%s\n' "${!1}"; return; fi
  for file in "$folder/dockerops.env" "$ETC/dockerops.env"; do
    line=$(grep -E "^[[:space:]]*(export )?[[:space:]]*$1[[:space:]]*=" "$file" 2>/dev/null | tail -n 1) || continue
    value=$(sed 's/^[^=]*=[[:space:]]*//; s/[[:space:]]*$//' <<<"$line")
    sed -E "s/^\"([^\"]*)\"[[:space:]]*(#.*)?\$/\1/; t; s/^'([^']*)'[[:space:]]*(#.*)?\$/\1/; t
      s/^\"(.*)\"\$/\1/; t; s/^'(.*)'\$/\1/; t; s/[[:space:]]+#.*//" <<<"$value"
    return
  done
}

# path_setting NAME HOME DEFAULT
path_setting() {
  local value
  value=$(setting "$1")
  case $value in
    '') printf '%s\n' "$3" ;;
    \~) printf '%s\n' "$2" ;;
    \~/*) printf '%s\n' "${2%/}/${value#\~/}" ;;
    /*) printf '%s\n' "$value" ;;
    *) printf '%s\n' "$PWD/$value" ;;
  esac
}

# data_of KIND: what of it exists, one path a line.
data_of() {
  case $1 in
    db) if is_database; then existing "$database" "$database-wal" "$database-shm" "$database-journal" "$database.lock"; fi ;;
    # A folder for logs that somebody chose may hold other things.
    dirs) existing "$folder/mirrors" "$folder/logs" "$logs"/dockerops-????-??-??.log ;;
    key) existing "$folder/key" ;;
    # Only when all goes: a fresh start still needs its token.
    settings) existing "$folder" "$ETC" ;;
  esac
}

existing() {
  local path
  for path in "$@"; do
    if [ -e "$path" ] || [ -L "$path" ]; then printf '%s\n' "$path"; fi
  done
}

# A path that was mistyped must not cost somebody's file. (The first 13 bytes of every SQLite file.)
is_database() { [ -f "$database" ] && [ "$(head -c 13 "$database")" = 'SQLite format' ]; }

# What the options ask to delete, one path a line, a folder without what is in it.
cleaned() {
  local kind path
  for kind in $clean; do data_of "$kind"; done | sort -u | while read -r path; do
    case "$clean $path" in
      *settings\ "$folder"/* | *dirs*\ "$folder"/logs/*) ;;
      *) printf '%s\n' "$path" ;;
    esac
  done
}

# Before anything is done: what will be deleted, and may it be?
announce_cleaning() {
  local paths
  refuse_while_at_work
  if [ -e "$database" ] && ! is_database; then say "left alone: $database, which is no database"; fi
  paths=$(cleaned)
  if [ -z "$paths" ]; then say 'there is no data to delete'; return; fi
  say 'This will be deleted:'
  say "  ${paths//$'\n'/$'\n'  }"
  say 'Stacks go on running. `dockerops watch` takes them back; to remove them, run `dockerops stop` first.'
  agree_or_end 'Delete it?'
}

refuse_while_at_work() {
  if [ -e "$database.lock" ] && command -v flock >/dev/null && ! flock -n "$database.lock" true; then
    fail "dockerops is at work with $database" 'Wait until it has ended, then run this again.'
  fi
}

delete_data() {
  local path
  refuse_while_at_work
  cleaned | while read -r path; do
    rm -rf -- "$path" || fail "\`$path\` could not be deleted" 'Delete it by hand.'
    say "deleted: $path"
  done
}

# --- commands ---------------------------------------------------------------------------

install() {
  install_options "$@"
  need_root install
  need_command sha256sum coreutils
  if [ -z "$from" ]; then need_command curl 'curl ca-certificates'; fi
  target=$(machine) asset=dockerops-$target
  if [ "$timer" = yes ]; then need_systemd; fi
  find_data
  if [ -n "$clean" ]; then announce_cleaning; fi
  begin
  if [ -z "$version$from" ]; then version=$(newest); fi
  say "release: ${version:-from $from} for $target"
  fetch SHA256SUMS
  check_signature
  if [ "$timer" = yes ]; then fetch_checked dockerops.service; fetch_checked dockerops.timer; fi
  install_binary
  if [ "$timer" = yes ]; then install_timer; fi
  if [ -n "$clean" ]; then delete_data; fi
  say_what_is_missing
}

# The same again would make the backup a copy of what runs.
install_binary() {
  local sum
  sum=$(expected "$asset")
  if [ -x "$BINARY" ] && [ "$(sha256_of "$BINARY")" = "$sum" ]; then
    say "already installed: $(version_said "$BINARY" || true) ($BINARY)"
    return
  fi
  fetch_checked "$asset"
  replace
  prove
}

say_what_is_missing() {
  if [ -e "$PACKAGED" ]; then say "note: the Debian package dockerops is installed too ($PACKAGED); $BINARY comes first"; fi
  if ! command -v git >/dev/null; then say 'note: dockerops needs git (Debian: apt-get install git)'; fi
  case $(swarm_state) in
    *manager*) say 'next: sudo dockerops watch https://github.com/you/stacks' ;;
    *) say 'note: dockerops needs Docker in Swarm mode, on a manager (`docker swarm init`); `sudo dockerops doctor` says more' ;;
  esac
}

uninstall() {
  uninstall_options "$@"
  need_root uninstall
  find_data
  if [ -d "$BIN" ]; then lock; fi
  if [ -n "$clean" ]; then announce_cleaning; fi
  remove_timer
  remove_binary
  if [ -n "$clean" ]; then delete_data; fi
  say_who_still_calls
}

remove_binary() {
  local path found=no
  for path in "$BINARY" "$BACKUP"; do
    if [ ! -e "$path" ] && [ ! -L "$path" ]; then continue; fi
    found=yes
    rm -f "$path" 2>/dev/null || fail "\`$path\` could not be removed" 'Is it a folder, or the disk mounted read-only?'
    say "removed: $path"
  done
  if [ "$found" = no ]; then say "dockerops is not installed ($BINARY)"; fi
  if [ -z "$clean" ]; then say 'data and settings stay (--clean-all deletes them), and stacks go on running'; fi
}

say_who_still_calls() {
  local file
  for file in "$ROOT"/etc/crontab "$ROOT"/etc/cron.d/* "$ROOT"/var/spool/cron/crontabs/*; do
    if grep -qsE '^[^#]*dockerops' "$file"; then say "note: $file still calls dockerops"; fi
  done
}

status() {
  if [ $# -gt 0 ]; then unknown_option "$1" status; fi
  find_data
  row dockerops "$(program_state "$BINARY")"
  row backup "$(program_state "$BACKUP")"
  if [ -e "$PACKAGED" ]; then row package "$(program_state "$PACKAGED")"; fi
  row newest "$(newest_state)"
  row data "$(path_state "$folder")"
  row database "$(path_state "$database")"
  row settings "$(settings_state)"
  row timer "$(timer_state)"
  row docker "$(docker_state)"
  row swarm "$(swarm_state)"
}

row() { printf '%-10s %s\n' "$1" "$2"; }

program_state() {
  local said
  if [ ! -e "$1" ]; then
    echo "not installed ($1)"
  elif [ ! -x "$1" ]; then
    echo "$1 may not be executed: run \`sudo chmod 755 $1\`"
  elif said=$(version_said "$1"); then
    echo "${said#dockerops } ($1)"
  else
    echo "$1 does not start: $said"
  fi
}

newest_state() {
  local tag
  if ! command -v curl >/dev/null; then
    echo 'unknown, as curl is not installed'
  elif tag=$(newest 2>&1); then
    echo "$tag ($RELEASES)"
  else
    tag=${tag%%$'\n'*}
    echo "unknown: ${tag#error: }"
  fi
}

path_state() {
  local size
  if [ -d "$1" ] && [ -r "$1" ]; then
    echo "$1"
  elif size=$(wc -c 2>/dev/null <"$1"); then
    echo "$1 ($((size / 1024)) KiB, last written $(date -r "$1" '+%F %T'))"
  elif [ "$(id -u)" != 0 ]; then
    echo "$1 (to see more, use sudo)"
  else
    echo "$1 (not there)"
  fi
}

settings_state() {
  local found
  found=$(existing "$folder/dockerops.env" "$ETC/dockerops.env")
  if [ -n "$found" ]; then echo "${found//$'\n'/, }"; else echo "none ($ETC/dockerops.env)"; fi
}

timer_state() {
  if [ ! -e "$UNITS/dockerops.timer" ]; then
    echo 'not installed (`install --timer`)'
  else
    systemctl is-active dockerops.timer 2>/dev/null || echo "see \`systemctl status dockerops.timer\`"
  fi
}

# Docker's own description of itself, as JSON; without the Docker client, as dockerops needs none either.
docker_info() {
  local host
  host=$(setting DOCKER_HOST)
  case ${host:=unix:///var/run/docker.sock} in
    unix://*) curl --silent --fail --max-time 5 --unix-socket "${host#unix://}" http://docker/info ;;
    tcp://*) curl --silent --fail --max-time 5 --noproxy '*' "http://${host#tcp://}/info" ;;
    *) return 1 ;;
  esac
}

docker_state() {
  local info version
  if ! info=$(docker_info); then
    echo 'no answer: does it run, and may you reach it? (`sudo dockerops doctor` says more)'
    return
  fi
  version=$(sed -n 's/.*"ServerVersion":"\([^"]*\)".*/\1/p' <<<"$info")
  echo "${version:-unknown}"
}

swarm_state() {
  local info state
  info=$(docker_info) || { echo 'unknown'; return; }
  state=$(sed -n 's/.*"LocalNodeState":"\([a-z]*\)".*/\1/p' <<<"$info")
  case $state in
    active) if grep -q '"ControlAvailable":true' <<<"$info"; then echo 'active, a manager'; else echo 'active, a worker: run dockerops on a manager'; fi ;;
    inactive) echo 'inactive: run `docker swarm init`' ;;
    *) echo "${state:-unknown}" ;;
  esac
}

main() {
  local command=${1:-help}
  if [ $# -gt 0 ]; then shift; fi
  case $command in
    install | uninstall | status) "$command" "$@" ;;
    help | -h | --help) usage ;;
    *) fail "there is no command \`$command\`" 'The commands are install, uninstall, status and help.' ;;
  esac
}

main "$@"
