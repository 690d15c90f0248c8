#!/bin/sh
# Installs mtg on Linux as a service: looks whether it can run here, downloads and verifies a release, makes a configuration with a
# fresh secret, starts the service, looks whether all is well, and prints the link. Run again, it upgrades. "-h" tells all options.
#
# A release is a directory with SHA256SUMS, mtg-VERSION-TARGET, mtg.service and mtg.openrc. Secrets appear in no command line that
# this script starts. Tested by tests/scripts/install_test.ts; POSIX sh, so that dash and busybox do.
set -eu

# The release workflow writes the address of its own releases here.
default_base_url=

usage() {
  cat <<'TEXT'
Usage: install.sh [options]            install, or upgrade what is installed
       install.sh --rollback           go back to the version before the last upgrade
       install.sh --uninstall [--purge]

For a new configuration; on a terminal, what is missing is asked for:
  -p PORT            where to listen (443)
  -a tls|dd          kind of secret: like HTTPS to a site (tls, the default), or random bytes (dd)
  -d DOMAIN          the site that a tls secret looks like
  -s SECRET          a secret from elsewhere: 32 hex digits, or a whole one; "-" reads it from standard input.
                     Whoever may list processes sees what stands here. Without it a fresh one is made
  --public-host HOST the name or address in the link, where it is not to be found out

  --base-url URL     where the release is: https, or a directory; also MTG_BASE_URL
  --wait SECONDS     how long the service may take to become healthy (30)
  --dry-run          say what would be done, and change nothing
  --uninstall        remove service and program; with --purge configuration and state, too
  --prefix DIR       where bin/mtg goes (where the service has it, or /usr/local)
  --root DIR         take DIR for the root of the file system: for tests
  -y                 ask nothing, even on a terminal
TEXT
}

say() { printf '%s\n' "$*"; }
warn() { printf 'install.sh: %s\n' "$*" >&2; }
die() {
  warn "$1"
  shift
  for line; do printf '  %s\n' "$line" >&2; done
  exit 1
}
misuse() {
  warn "$1"
  printf '  install.sh -h tells all options.\n' >&2
  exit 2
}
has() { command -v "$1" >/dev/null 2>&1; }
# Does it, or says that it would.
run() {
  if [ "$dry_run" = yes ]; then say "would run: $*"; else "$@"; fi
}

# --- Options ---------------------------------------------------------------------------------------------------------------------

read_options() {
  action=install dry_run=no purge=no quiet=no root='' prefix='' wait_seconds=30
  port='' secret='' kind='' domain='' public_host='' base_url=${MTG_BASE_URL:-$default_base_url}
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help) usage && exit 0 ;;
      -y) quiet=yes ;;
      --dry-run) dry_run=yes ;;
      --purge) purge=yes ;;
      --uninstall) action=uninstall ;;
      --rollback) action=rollback ;;
      -p | -s | -t | -a | -d | --public-host | --base-url | --wait | --prefix | --root)
        [ -n "${2-}" ] || misuse "$1 needs a value"
        take_value "$1" "$2"
        shift
        ;;
      *) misuse "unknown option $1" ;;
    esac
    shift
  done
  [ "$purge" = no ] || [ "$action" = uninstall ] || misuse "--purge goes with --uninstall"
}

take_value() {
  case $1 in
    -p)
      is_port "$2" || misuse "-p $2: expected a port, 1 to 65535, without leading zeros"
      port=$2
      ;;
    -s) secret=$2 ;;
    -t) misuse "-t: ad tags (promoted channels) are not in this version; leave it out" ;;
    -a)
      case $2 in tls | dd) ;; *) misuse "-a $2: expected tls or dd" ;; esac
      [ -z "$kind" ] || [ "$kind" = "$2" ] || misuse "-a tls -a dd: a secret is of one kind; tls hides more"
      kind=$2
      ;;
    -d)
      # The program would refuse it later, in other words.
      case $2 in *[!0-9.]*) ;; *) misuse "-d $2: a secret takes no address; expected the name of a site such as www.example.com" ;; esac
      is_host "$2" || misuse "-d $2: expected a host name such as www.example.com"
      domain=$(printf %s "$2" | tr '[:upper:]' '[:lower:]')
      ;;
    --public-host)
      is_address "$2" || misuse "--public-host $2: expected a host name or an address"
      public_host=$2
      ;;
    --base-url) base_url=$2 ;;
    --wait)
      is_number "$2" || misuse "--wait $2: expected seconds, a number without leading zeros"
      wait_seconds=$2
      ;;
    --prefix)
      is_path "$2" || misuse "--prefix $2: expected an absolute path without spaces"
      prefix=${2%/}
      ;;
    --root)
      is_path "$2" || misuse "--root $2: expected an absolute path without spaces"
      root=${2%/}
      ;;
  esac
}

# Without leading zeros, with which the shell takes a number for octal; and of a size that it can count with.
is_number() { case $1 in '' | *[!0-9]* | 0?*) return 1 ;; esac && [ "${#1}" -le 9 ]; }
is_port() { is_number "$1" && [ "$1" -ge 1 ] && [ "$1" -le 65535 ]; }
is_host() { case $1 in *[!A-Za-z0-9.-]* | .* | *. | -* | *..*) return 1 ;; ?*.?*) [ "${#1}" -ge 4 ] && [ "${#1}" -le 182 ] ;; *) return 1 ;; esac; }
is_address() { case $1 in '' | *[!A-Za-z0-9.:-]*) return 1 ;; esac; }
is_path() { case $1 in *[!A-Za-z0-9/._+-]*) return 1 ;; /*) ;; *) return 1 ;; esac; }
is_hex_key() { [ "${#1}" -eq 32 ] && case $1 in *[!0-9A-Fa-f]*) return 1 ;; esac; }

set_paths() {
  config_dir=$root/etc/mtg
  config=$config_dir/config.toml
  state=$root/var/lib/mtg
  group=mtg-config
  if [ -d "$root/run/systemd/system" ] && has systemctl; then
    manager=systemd unit=mtg.service unit_file=$root/etc/systemd/system/mtg.service unit_mode=644
  elif has rc-service && has rc-update; then
    manager=openrc unit=mtg.openrc unit_file=$root/etc/init.d/mtg unit_mode=755
  else
    manager=none unit='' unit_file=''
  fi
  bin_of_unit=$(find_bin)
  if [ -n "$prefix" ]; then bin=$prefix/bin/mtg; else bin=${bin_of_unit:-/usr/local/bin/mtg}; fi
  program=$root$bin
  new=$program.new
  if [ -n "$prefix" ] && [ "$bin" != "${bin_of_unit:-"$bin"}" ]; then
    warn "the service starts $bin_of_unit, and --prefix says $bin: $bin_of_unit stays as it is"
  elif [ "$bin" != /usr/local/bin/mtg ] && [ -z "$prefix" ]; then
    say "The service starts $bin: that is the program meant."
  fi
}

# Prints what the unit that is there starts, which --prefix said when it was installed.
find_bin() {
  [ -n "$unit_file" ] && [ -e "$unit_file" ] || return 0
  sed -n '/^[[:space:]]*#/d; s/^ExecStart=[-@:+!]*/ExecStart=/
    s|^\(.*[[:space:]="]\)\{0,1\}\(/[A-Za-z0-9/._+-]*/mtg\) run .*|\2|p' "$unit_file" | head -n 1
}

# --- Where this can run ----------------------------------------------------------------------------------------------------------

find_target() {
  case $(uname -s) in
    Linux) ;;
    Darwin) die "this script installs on Linux" "For macOS, a release has mtg-VERSION-{x86_64,aarch64}-apple-darwin and mtg.plist," \
      "whose head says how to install both." ;;
    *) die "mtg does not run on $(uname -s)" "It needs Linux, macOS or Windows; a virtual machine with Linux will do." ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) target=x86_64-unknown-linux-gnu ;;
    aarch64 | arm64) target=aarch64-unknown-linux-gnu ;;
    arm* | i?86 | mips | mipsel | ppc | riscv32) refuse_32_bit "this is a 32-bit system ($(uname -m))" ;;
    *) die "there is no Deno for $(uname -m)" "mtg needs x86_64 or aarch64: run it on another machine." ;;
  esac
  if has getconf && [ "$(getconf LONG_BIT 2>/dev/null)" = 32 ]; then
    refuse_32_bit "the programs of this system are 32-bit, though its kernel ($(uname -m)) is not"
  fi
  look_at_libc
  look_at_memory
  look_at_systemd
}

look_at_systemd() {
  [ "$manager" = systemd ] || return 0
  major=$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p') || major=''
  is_number "$major" || return 0
  [ "$major" -ge 247 ] || warn "systemd here is $major, and the unit is for 247 or later: what protects the system from mtg is weaker, if it starts at all"
}

refuse_32_bit() {
  die "$1, and Deno exists for 64 bits only" \
    "Where the processor can do it (a Raspberry Pi 3 or later can), install a 64-bit system; otherwise run mtg on another machine."
}

look_at_libc() {
  version=$(ldd --version 2>&1 | head -n 1) || version=''
  case $version in
    *musl*)
      die "the C library of this system is musl, and Deno needs glibc" \
        "Run the container image of mtg, which brings its own glibc," \
        "or put mtg into a glibc system in a directory of its own (debootstrap) and start it by chroot."
      ;;
  esac
  # "ldd (GNU libc) 2.36", "ldd (Debian GLIBC 2.36-9+deb12u9) 2.36"
  glibc=${version##* }
  major=${glibc%%.*} minor=${glibc#*.} minor=${minor%%[!0-9]*}
  if ! is_number "$major" || ! is_number "$minor"; then
    die "cannot tell the C library of this system: ldd says \"$version\"" "mtg needs glibc 2.27 or later; its container image brings one."
  fi
  [ "$major" -gt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -ge 27 ]; } ||
    die "glibc here is $glibc, and Deno needs 2.27 or later" "Upgrade the system (Debian 10, Ubuntu 18.04, RHEL 8 or later), or run the container image of mtg."
}

look_at_memory() {
  kilobytes=$(sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' /proc/meminfo 2>/dev/null) || kilobytes=''
  is_number "$kilobytes" || return 0
  [ "$kilobytes" -ge 100000 ] || die "this machine has $((kilobytes / 1024)) MB of memory" \
    "mtg takes 55 MB before the first client, and some of it is the system's: 128 MB are the least, 256 MB are better."
  [ "$kilobytes" -ge 250000 ] || warn "this machine has $((kilobytes / 1024)) MB of memory: see \"Little memory\" in the README"
}

# Prints the inodes of sockets that listen on TCP port $1; fails if there are none.
listening_on() {
  hex=$(printf %04X "$1")
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port=":$hex" '
    substr($2, length($2) - 4) == port && $4 == "0A" { print $10; found = 1 }
    END { exit !found }'
}

# Prints "nginx (process 812)" for whoever listens on port $1; fails if nobody does.
holder_of() {
  inodes=$(listening_on "$1") || return 1
  # One list of all, because a server has very many descriptors; the names are numbers.
  # shellcheck disable=SC2012
  process=$(ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v inodes="$inodes" '
    BEGIN { split(inodes, list); for (i in list) wanted["socket:[" list[i] "]"] }
    /^\/proc\// { split($0, path, "/") }
    $NF in wanted { print path[3]; exit }') || process=''
  if [ -n "$process" ] && [ -r "/proc/$process/comm" ]; then
    say "$(cat "/proc/$process/comm") (process $process)"
    return 0
  fi
  say "a process that this user may not see"
}

need_free_port() {
  holder=$(holder_of "$port") || return 0
  die "port $port is taken by $holder" "Stop that, or take another port with -p, or share the port: see the recipes in the README."
}

# --- Questions -------------------------------------------------------------------------------------------------------------------

# In a shell of its own, which dash ends where a redirection of ":" fails.
can_ask() { [ "$quiet" = no ] && [ -t 1 ] && (: </dev/tty) 2>/dev/null; }

# ask QUESTION DEFAULT: the answer is in $answer.
ask() {
  printf '%s%s: ' "$1" "${2:+ [$2]}" >/dev/tty
  IFS= read -r answer </dev/tty || die "no answer"
  answer=${answer:-$2}
}

settle_options() {
  if can_ask; then ask_for_options; fi
  port=${port:-443}
  if [ "$secret" = - ]; then
    IFS= read -r secret || [ -n "$secret" ] || misuse "-s -: nothing came by standard input"
  fi
  if [ -n "$secret" ] && ! is_hex_key "$secret"; then
    case $secret in *[!A-Za-z0-9+/=_-]*) misuse "-s: expected 32 hex digits, or a secret as it stands in links" ;; esac
    [ -z "$kind$domain" ] || misuse "-s: this secret says itself of which kind it is; leave -a and -d out"
    return 0
  fi
  kind=${kind:-tls}
  case $kind$domain in
    tls) misuse "-d DOMAIN is needed: the site that the proxy looks like, best one of your own; or -a dd" ;;
    dd?*) misuse "-d $domain: a dd secret looks like no site; take -a tls" ;;
  esac
}

ask_for_options() {
  while [ -z "$port" ]; do
    ask "Port" 443
    (take_value -p "$answer") && port=$answer
  done
  [ -z "$secret" ] || return 0
  while [ -z "$kind" ] && [ -z "$domain" ]; do
    ask "Kind of secret, tls (like HTTPS to a site) or dd (random bytes)" tls
    (take_value -a "$answer") && kind=$answer
  done
  while [ "${kind:-tls}" = tls ] && [ -z "$domain" ]; do
    ask "Site that the proxy looks like, best one of your own" ''
    [ -n "$answer" ] || continue
    (take_value -d "$answer") && take_value -d "$answer"
  done
}

# --- Download --------------------------------------------------------------------------------------------------------------------

# fetch NAME: into the working directory.
fetch() {
  case $base_url in
    '') die "where is the release? Give its address with --base-url or MTG_BASE_URL" ;;
    /*)
      cp "$base_url/$1" "$work/$1" || die "cannot read $base_url/$1"
      return 0
      ;;
    https://*) protocols='=https' ;;
    http://*@*) die "--base-url $base_url: expected https" ;;
    http://127.0.0.1[:/]* | http://localhost[:/]*) protocols='=http,https' ;;
    *) die "--base-url $base_url: expected https, or the absolute path of a directory" ;;
  esac
  if has curl; then
    curl -fsSL --proto "$protocols" --proto-redir '=https' --retry 2 --connect-timeout 15 -o "$work/$1" "$base_url/$1" ||
      die "cannot download $base_url/$1"
  elif has wget; then
    # No wget can be kept from following a redirect to http (--https-only of GNU's is for recursion), but it tells of it, and what
    # came is not used yet.
    wget -q -S -O "$work/$1" "$base_url/$1" 2>"$work/headers" ||
      die "cannot download $base_url/$1: $(tail -n 1 "$work/headers")"
    if grep -qi '^ *location: *http:' "$work/headers"; then die "cannot download $base_url/$1: it leads to http"; fi
  else
    die "curl or wget is needed to download"
  fi
}

# verify NAME: its line in SHA256SUMS against the file.
verify() {
  wanted=$(awk -v name="$1" '$2 == name || $2 == "*" name { print $1 }' "$work/SHA256SUMS")
  [ -n "$wanted" ] || die "SHA256SUMS of the release does not name $1"
  found=$(sha256sum "$work/$1")
  found=${found%% *}
  [ "$wanted" = "$found" ] || die "the checksum of $1 is wrong: nothing was installed" "expected $wanted" "found    $found" \
    "Try again; if it stays, the download is not what was released."
}

find_release() {
  base_url=${base_url%/}
  fetch SHA256SUMS
  asset=$(awk -v target="-$target" '
    { name = $2; sub(/^\*/, "", name) }
    name ~ /^mtg-/ && substr(name, length(name) - length(target) + 1) == target { print name; exit }' "$work/SHA256SUMS")
  [ -n "$asset" ] || die "the release at $base_url has no mtg-VERSION-$target"
  case $asset in *[!A-Za-z0-9._+-]*) die "SHA256SUMS of the release has an impossible name for mtg" ;; esac
  version=${asset#mtg-}
  version=${version%-"$target"}
}

download_release() {
  fetch "$asset"
  verify "$asset"
  # Beside the program that it is to become: what is mounted there may be executed, which is not so everywhere for temporary files,
  # and there is room for it before anything is changed. A copy, because what is moved keeps the SELinux label of where it was.
  mkdir -p "${program%/*}"
  rm -f "$new"
  { cp "$work/$asset" "$new" && chmod 755 "$new"; } || die "cannot write $new: nothing was changed"
  rm -f "$work/$asset"
  if [ -n "$unit" ]; then
    fetch "$unit"
    verify "$unit"
    sed "s|/usr/local/bin/mtg|$bin|g" "$work/$unit" >"$work/unit"
    sum=$(sha256sum <"$work/unit")
    say "# install.sh wrote the lines above, and sees by their SHA-256 whether one was changed: ${sum%% *}" >>"$work/unit"
  fi
  # In the working directory, so that nothing is left where this was started.
  (cd "$work" && "$new" --version >/dev/null) || die "mtg $version does not start on this machine: nothing was installed"
}

# --- Putting in place ------------------------------------------------------------------------------------------------------------

# place FILE PATH [MODE]: whole or not at all; MODE is that of FILE where none is given.
place() {
  mkdir -p "${2%/*}" && cp -p "$1" "$2.new" && { [ -z "${3-}" ] || chmod "$3" "$2.new"; } && mv -f "$2.new" "$2"
}

make_accounts() {
  [ "$manager" != none ] || return 0
  if ! getent group "$group" >/dev/null 2>&1; then
    if has groupadd; then run groupadd --system "$group"; else run addgroup -S "$group"; fi
  fi
  # systemd makes a user while the service runs.
  if [ "$manager" = openrc ] && ! id mtg >/dev/null 2>&1; then
    if has useradd; then
      run useradd --system --no-create-home --home-dir /var/lib/mtg --shell /usr/sbin/nologin --gid "$group" mtg
    else
      run adduser -S -D -H -h /var/lib/mtg -s /sbin/nologin -G "$group" mtg
    fi
  fi
}

# Prints the secret of the new configuration.
make_secret() {
  if [ -z "$secret" ]; then
    case $kind in
      tls) (cd "$work" && "$new" generate-secret "$domain") ;;
      dd) (cd "$work" && "$new" generate-secret --kind secured) ;;
    esac
  elif is_hex_key "$secret"; then
    case $kind in
      tls) say "ee$secret$(printf %s "$domain" | od -An -v -tx1 | tr -d ' \n')" ;;
      dd) say "dd$secret" ;;
    esac
  else
    say "$secret"
  fi
}

write_config() {
  # ":443" is both families, and fails where the kernel has one.
  if [ -s /proc/net/if_inet6 ]; then bind_to=":$port"; else bind_to="0.0.0.0:$port"; fi
  value=$(make_secret)
  (
    umask 077
    {
      say "# Made by install.sh. \"mtg config check\" shows all keys; after a change: $(reload_command)"
      printf 'secret = "%s"\n' "$value"
      printf 'bind-to = "%s"\n' "$bind_to"
      [ -z "$public_host" ] || printf 'public-host = "%s"\n' "$public_host"
    } >"$work/config.toml"
  )
  check_config "$work/config.toml" || die "no configuration could be made of these options: nothing was installed"
  (umask 077 && mkdir -p "$config_dir" && cp "$work/config.toml" "$config.new")
  if [ "$manager" != none ]; then
    chgrp "$group" "$config_dir" "$config.new"
    chmod 750 "$config_dir"
    chmod 640 "$config.new"
  fi
  # Last, for it is whole then, and a configuration that is there is never touched again.
  mv -f "$config.new" "$config"
}

reload_command() {
  case $manager in
    systemd) say "systemctl reload mtg" ;;
    openrc) say "rc-service mtg reload" ;;
    none) say "kill -HUP its process" ;;
  esac
}

# check_config FILE: by the program that was downloaded.
check_config() { (cd "$work" && "$new" config check "$1" >/dev/null); }

# Whether it is not as this script wrote it.
is_edited() {
  said=$(sed -n '$s/^# install.sh wrote .*: //p' "$1")
  sum=$(sed '$d' "$1" | sha256sum)
  [ "$said" != "${sum%% *}" ]
}

# keep_edited UNIT: what its owner wrote into it goes where the configuration is; OpenRC would take a file beside it for a service.
keep_edited() {
  [ -n "$unit_file" ] && [ -e "$1" ] && is_edited "$1" || return 0
  if [ "$dry_run" = yes ]; then
    say "would keep what is in $unit_file, which is not as this script wrote it, as $config_dir/$unit.before"
    return 0
  fi
  place "$1" "$config_dir/$unit.before"
  say "$unit_file was not as this script wrote it: what was in it is kept as $config_dir/$unit.before."
  case $manager in
    systemd) say "What stands in a drop-in (systemctl edit mtg) stays." ;;
    openrc) say "What stands in /etc/conf.d/mtg stays." ;;
  esac
}

place_unit() {
  [ -n "$unit" ] || return 0
  place "$work/unit" "$unit_file" "$unit_mode"
  if [ "$manager" = systemd ]; then systemctl daemon-reload; fi
}

# --- The service -----------------------------------------------------------------------------------------------------------------

enable_service() {
  case $manager in
    systemd) run systemctl enable mtg ;;
    openrc) run rc-update add mtg default ;;
  esac
}

restart_service() {
  case $manager in
    systemd) systemctl restart mtg ;;
    openrc) rc-service mtg restart ;;
  esac
}

is_active() {
  case $manager in
    systemd) systemctl is-active --quiet mtg ;;
    openrc) rc-service mtg status >/dev/null 2>&1 ;;
    none) return 1 ;;
  esac
}

# The TCP ports of bind-to, as the program $program reads the configuration.
ports_of_config() {
  (cd "$work" && "$program" config check "$config") | sed -n 's/^bind-to *= *//p' | grep -o ':[0-9][0-9]*"' | tr -d ':"'
}

# Runs, and answers wherever it should, twice in a row: a service that ends at once is started again every other second. What it
# lacks is in $problem. There is no "$(" in here, where this waits most: bash 5.2 does not know a trap any more if the signal comes
# while it reads one.
become_healthy() {
  good=0
  look_at_clock
  until=$((now + wait_seconds))
  while :; do
    if is_healthy; then good=$((good + 1)); else good=0; fi
    [ "$good" -lt 2 ] || return 0
    look_at_clock
    [ "$good" -gt 0 ] || [ "$now" -lt "$until" ] || return 1
    sleep 1
  done
}

look_at_clock() {
  date +%s >"$work/now"
  read -r now <"$work/now"
}

is_healthy() {
  problem='the service does not stay up'
  is_active || return 1
  (cd "$work" && "$program" healthcheck "$config") >"$work/health" 2>&1 && return 0
  problem='its healthcheck fails without a word'
  # The last line says it.
  while IFS= read -r line; do problem=${line#mtg: }; done <"$work/health"
  return 1
}

show_log() {
  case $manager in
    systemd) if has journalctl; then journalctl -u mtg -n 15 --no-pager -o cat >&2 || :; fi ;;
    openrc) tail -n 15 "$root/var/log/mtg.log" >&2 || : ;;
  esac
}

# --- Actions ---------------------------------------------------------------------------------------------------------------------

install_or_upgrade() {
  find_target
  if [ -e "$config" ]; then
    [ -z "$port$secret$kind$domain$public_host" ] ||
      die "there is a configuration already: $config" "It is kept; change it there. Without -p, -s, -a, -d and --public-host this goes on with it."
  else
    settle_options
    need_free_port
  fi
  find_release
  if [ "$dry_run" = yes ]; then
    tell_plan
    return 0
  fi
  download_release
  make_accounts
  if [ ! -e "$config" ]; then
    write_config
  elif ! check_config "$config"; then
    die "mtg $version cannot use $config: nothing was changed"
  fi
  if [ ! -x "$program" ]; then
    install_fresh
  elif cmp -s "$new" "$program"; then
    say "mtg $version is installed already."
    finish_same
  else
    upgrade
  fi
  show_result
}

tell_plan() {
  say "would download $base_url/$asset${unit:+ and $unit} and verify them by SHA256SUMS"
  if [ -x "$program" ]; then say "would keep $program as $program.previous, and go back to it if mtg $version does not become healthy"; fi
  say "would write $program"
  if [ -e "$config" ]; then say "would keep $config"; else say "would write $config: port $port, ${kind:-a given} secret${domain:+ for $domain}"; fi
  make_accounts
  if [ -n "$unit_file" ]; then
    keep_edited "$unit_file"
    say "would write $unit_file"
  else
    say "would set up no service: there is neither systemd nor OpenRC"
  fi
  enable_service
  [ "$manager" = none ] || say "would start the service"
  say "would run mtg doctor and print the link"
}

install_fresh() {
  mv -f "$new" "$program"
  keep_edited "$unit_file"
  place_unit
  [ "$manager" != none ] || return 0
  enable_service
  restart_service || :
  become_healthy || {
    show_log
    die "mtg $version is installed, and does not serve: $problem; see above, and $config"
  }
}

finish_same() {
  [ "$manager" != none ] || return 0
  fresh_unit=no
  if cmp -s "$work/unit" "$unit_file"; then
    :
  elif [ -e "$unit_file" ] && is_edited "$unit_file"; then
    say "$unit_file is not as this script wrote it, and stays so."
  else
    place_unit
    fresh_unit=yes
  fi
  enable_service
  { [ "$fresh_unit" = no ] && is_active; } || restart_service || :
  become_healthy || {
    show_log
    die "the service does not serve: $problem; see above, and $config"
  }
}

# What the upgrade replaces is kept as $program.before until the new version is healthy, and becomes $program.previous then. As long
# as it is there, the upgrade is not finished: whatever ends this script, the EXIT trap goes back to it, and where that could not
# run (kill -9, a power failure), the next run does.
upgrade() {
  rm -f "$program.before.service"
  if [ -n "$unit_file" ] && [ -e "$unit_file" ]; then cp -p "$unit_file" "$program.before.service"; fi
  # What a power failure must not find half written.
  sync
  upgrading=yes
  ln "$program" "$program.before" 2>/dev/null || mv -f "$program" "$program.before"
  mv -f "$new" "$program"
  place_unit
  if [ "$manager" != none ]; then
    enable_service
    restart_service || :
    become_healthy || {
      show_log
      die "mtg $version did not become healthy within $wait_seconds s: $problem"
    }
  fi
  finish_upgrade
  [ "$manager" != none ] || say "Start mtg anew to run the new version."
}

finish_upgrade() {
  trap '' INT TERM HUP PIPE QUIT
  # The program goes last but one: as long as it is there, all of this can be done again, or undone.
  if [ -e "$program.before.service" ]; then
    cp -p "$program.before.service" "$program.previous.service"
  else
    rm -f "$program.previous.service"
  fi
  mv -f "$program.before" "$program.previous"
  rm -f "$program.before.service"
  upgrading=no
  catch_signals
  keep_edited "$program.previous.service"
}

# For the EXIT trap, where nothing may end it.
undo_upgrade() {
  # It may have ended before anything was changed.
  [ -e "$program.before" ] || return 0
  warn "going back to the version before"
  put_back before || {
    warn "that failed: run this again when its cause is gone"
    return 0
  }
  [ "$manager" != none ] || return 0
  # Not ignored any more, because what is started now would ignore them, too.
  trap : INT TERM HUP PIPE QUIT
  restart_service
  if become_healthy; then
    warn "the version before runs again; mtg $version was not installed"
  else
    show_log
    warn "the version before is in place again, and does not serve either: $problem; see above, and $config"
  fi
}

# put_back before|previous: the program and the unit that are kept under that name take their places again. The program goes last:
# while it is there, this can be done once more.
put_back() {
  if [ -n "$unit_file" ]; then
    if [ -e "$program.$1.service" ]; then
      cmp -s "$program.$1.service" "$unit_file" || place "$program.$1.service" "$unit_file" || return 1
    elif [ "$1" = before ]; then
      rm -f "$unit_file" || return 1
    fi
    if [ "$manager" = systemd ]; then systemctl daemon-reload || warn "systemctl daemon-reload failed"; fi
  fi
  mv -f "$program.$1" "$program" || return 1
  # "mv" leaves one of two names of the same file where it is.
  rm -f "$program.$1" "$program.$1.service"
}

# After an upgrade of which nothing could be undone.
recover() {
  [ -e "$program.before" ] || return 0
  if [ "$dry_run" = yes ]; then
    say "would go back to $program.before first: an upgrade was cut off"
    return 0
  fi
  warn "an upgrade was cut off: going back to the version before it"
  put_back before || die "that failed: run this again when its cause is gone"
  restart_service || :
}

roll_back() {
  kept=previous
  if [ -e "$program.before" ]; then kept=before; fi
  [ -x "$program.$kept" ] || die "there is no version to go back to: $program.$kept is missing"
  if [ -e "$program.$kept.service" ] && ! cmp -s "$program.$kept.service" "$unit_file"; then keep_edited "$unit_file"; fi
  if [ "$dry_run" = yes ]; then
    say "would put $program.$kept in the place of $program, with the unit of that version, and restart the service"
    return 0
  fi
  trap '' INT TERM HUP PIPE QUIT
  put_back "$kept"
  catch_signals
  if [ "$manager" != none ]; then
    restart_service || :
    become_healthy || {
      show_log
      die "the version before is in place again, and does not serve: $problem; see above, and $config"
    }
  fi
  say "The version before is in place."
}

uninstall() {
  [ "$purge" = yes ] || keep_edited "$unit_file"
  case $manager in
    systemd) if [ -e "$unit_file" ]; then run systemctl disable --now mtg || :; fi ;;
    openrc)
      if [ -e "$unit_file" ]; then
        run rc-service mtg stop || :
        run rc-update del mtg default || :
      fi
      ;;
  esac
  run rm -f "$program" "$program.previous" "$program.previous.service" ${unit_file:+"$unit_file"}
  run rm -f "$new" "$program.before" "$program.before.service" ${unit_file:+"$unit_file.new"} "$config.new"
  if [ "$manager" = systemd ]; then run systemctl daemon-reload; fi
  if [ "$purge" = no ]; then
    say "Kept: $config_dir and $state; --uninstall --purge removes them, too."
    return 0
  fi
  # Under systemd the state directory is a link to the one in private.
  run rm -rf "$config_dir" "$state" "$root/var/lib/private/mtg"
  # Addresses of clients are in there. Under systemd they are in the journal, which is not of mtg alone.
  if [ "$manager" = openrc ]; then run rm -f "$root/var/log/mtg.log" "$root"/var/log/mtg.log.*; fi
  if id mtg >/dev/null 2>&1 && [ "$manager" = openrc ]; then
    if has userdel; then run userdel mtg || :; else run deluser mtg || :; fi
  fi
  if getent group "$group" >/dev/null 2>&1; then
    if has groupdel; then run groupdel "$group" || :; else run delgroup "$group" || :; fi
  fi
}

show_result() {
  say ""
  (cd "$work" && "$program" doctor "$config") || warn "doctor found something wrong: see ❌ above"
  tell_firewall
  links=$(cd "$work" && "$program" access "$config" | sed -n 's/^ *"\(tg\|tme\)_url": "\([^"]*\)",*$/  \2/p') || links=''
  say ""
  if [ -n "$links" ]; then
    say "Links for Telegram. Whoever has one can use this proxy:"
    say "$links"
  else
    say "The address of this machine was not to be found out: write public-host into $config, then: mtg access $config"
  fi
  [ "$manager" != none ] || say "There is neither systemd nor OpenRC here. To run it: $bin run $config"
}

# Shown, not done: what a firewall lets in is for its owner to decide.
tell_firewall() {
  for open in $(ports_of_config); do
    if has ufw; then
      say "If the firewall is on: ufw allow $open/tcp"
    elif has firewall-cmd; then
      say "If the firewall is on: firewall-cmd --permanent --add-port=$open/tcp && firewall-cmd --reload"
    elif has nft && nft list chain inet filter input >/dev/null 2>&1; then
      say "If the firewall is on: nft insert rule inet filter input tcp dport $open accept   (and the same into /etc/nftables.conf)"
    else
      say "If there is a firewall, here or at the provider, TCP port $open must be open."
    fi
  done
}

catch_signals() {
  trap 'interrupted HUP 129' HUP
  trap 'interrupted INT 130' INT
  trap 'interrupted QUIT 131' QUIT
  trap 'interrupted PIPE 141' PIPE
  trap 'interrupted TERM 143' TERM
}
interrupted() {
  warn "interrupted by SIG$1"
  exit "$2"
}

# Two at once would take each other's upgrade for one that was cut off. One that has died leaves its lock, and its number.
take_lock() {
  mkdir -p "${lock%/*}"
  if ! mkdir "$lock" 2>/dev/null; then
    other=$(cat "$lock/pid" 2>/dev/null) || other=''
    if is_number "$other" && kill -0 "$other" 2>/dev/null; then
      die "another install.sh is at work (process $other)" "Wait for it. If that process is something else, remove $lock."
    fi
  fi
  locked=yes
  say $$ >"$lock/pid"
}

# However this ends.
finish() {
  code=$?
  set +e
  trap '' INT TERM HUP PIPE QUIT
  if [ "$upgrading" = yes ]; then undo_upgrade; fi
  rm -rf "$work"
  if [ "$locked" = yes ]; then
    rm -f "$new" "$config.new" ${unit_file:+"$unit_file.new"}
    [ -e "$program.before" ] || rm -f "$program.before.service"
    rm -rf "$lock"
  fi
  exit "$code"
}

main() {
  read_options "$@"
  set_paths
  if [ -z "$root" ] && [ "$dry_run" = no ] && [ "$(id -u)" -ne 0 ]; then die "this needs root: run it with sudo, or with --dry-run"; fi
  upgrading=no locked=no lock=$program.lock
  work=$(mktemp -d)
  trap finish EXIT
  catch_signals
  [ "$dry_run" = yes ] || take_lock
  case $action in
    install)
      recover
      install_or_upgrade
      ;;
    rollback) roll_back ;;
    uninstall) uninstall ;;
  esac
}

# All in functions, called by the last line: a script of which a download brought only a part does nothing.
main "$@"
