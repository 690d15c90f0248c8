#!/usr/bin/env bash
# Tries what the container does, by an engine:
#
#   deno task image && scripts/try_image.sh --engine docker mtg        (or podman)
#
# or, where none is at hand, in the root file system of the image made of plain directories, with the system's own glibc, and a
# compiled program in it as the image would run it: read-only, as user 65532, in a network of its own:
#
#   deno task compile:here && scripts/try_image.sh dist/mtg-VERSION-TARGET
#
# Needs root on Linux; without an engine util-linux and iproute2. Each line is one command of docker and what became of it.
set -euo pipefail

case ${1-} in
  --engine) engine=${2:?"give an engine: docker or podman"} image=${3:?"give an image"} ;;
  *)
    engine=none program=$(realpath "${1:?"give a compiled program, or --engine docker IMAGE"}")
    if [ -z "${TRY_IMAGE_INSIDE:-}" ]; then
      exec env TRY_IMAGE_INSIDE=1 unshare --mount --net --pid --fork --mount-proc "$0" "$program"
    fi
    ;;
esac

base=$(mktemp -d)
# Of the next start: variables, and after how many seconds it is ended, if it may not last
variables=() limit=0

# --- With an engine ------------------------------------------------------------------------------------------------------------
# What is tried below is written in terms of these, of which there are two sets:
#   fresh_volume       an empty volume for /data, whose directory is $volume, and nothing else mounted
#   mounted FROM TO    as -v FROM:TO from now on
#   start ARGS…        0 when it listens; $base/out and $base/log are what it has printed
#   read_output        brings those two up to date
#   in_image ARGS…     a command in what has been started, or else by itself
#   stop               SIGTERM, and its exit code
#   clean_up

use_engine() {
  container=mtg-try-$$ mounts=() running=no
  drop_volume() {
    "$engine" rm --force "$container" >/dev/null 2>&1 || true
    "$engine" volume rm --force "$container" >/dev/null 2>&1 || true
  }
  clean_up() {
    drop_volume
    rm -rf "$base"
  }
  fresh_volume() {
    drop_volume
    mounts=()
    "$engine" volume create "$container" >/dev/null
    # What the image has at /data is copied into it with its owner when it is first used.
    "$engine" run --rm -v "$container:/data" "$image" --version >/dev/null
    volume=$("$engine" volume inspect --format '{{.Mountpoint}}' "$container")
  }
  mounted() {
    rm -rf "$base/mounted" && cp -r "$1" "$base/mounted"
    chmod -R a+rX "$base/mounted"
    mounts=(-v "$base/mounted:$2:ro")
  }
  # With what docker gives by itself and podman does not
  engine_run() {
    local options=(--read-only -e MTG_PUBLIC_HOST=proxy.example.com -v "$container:/data")
    [ "$engine" != podman ] || options+=(--sysctl net.ipv4.ip_unprivileged_port_start=0)
    local variable
    for variable in "${variables[@]}"; do options+=(-e "$variable"); done
    timeout "$limit" "$engine" run "${options[@]}" "${mounts[@]}" "$@"
  }
  start() {
    engine_run --detach --name "$container" "$image" "$@" >/dev/null
    running=yes
    for _ in $(seq 100); do
      read_output
      grep -q 'listening on' "$base/log" && return 0
      [ "$("$engine" inspect --format '{{.State.Running}}' "$container")" = true ] || break
      sleep 0.1
    done
    return 1
  }
  read_output() { "$engine" logs "$container" >"$base/out" 2>"$base/log"; }
  in_image() {
    if [ "$running" = yes ]; then "$engine" exec "$container" /mtg "$@"; else engine_run --rm "$image" "$@"; fi
  }
  stop() {
    "$engine" stop "$container" >/dev/null
    local code
    code=$("$engine" inspect --format '{{.State.ExitCode}}' "$container")
    "$engine" rm "$container" >/dev/null
    running=no
    return "$code"
  }
}

# --- Without one ----------------------------------------------------------------------------------------------------------------

use_plain_root() {
  root=$base/root volume=$base/volume pid=
  clean_up() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    wait
    umount -R "$root" 2>/dev/null || true
    rm -rf --one-file-system "$base"
  }
  make_root() {
    mkdir -p "$root"/{tmp,data,etc/ssl/certs,dev,proc}
    cp "$program" "$root/mtg"
    # Links to the loader and its libraries, by the paths that the program asks for.
    ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
      mkdir -p "$root$(dirname "$library")"
      cp -L "$library" "$root$library"
    done
    echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$root/etc/passwd"
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2>/dev/null || true
    # What an engine gives to every container.
    echo '127.0.0.1 localhost' >"$root/etc/hosts"
    : >"$root/etc/resolv.conf"
    for device in null zero urandom; do : >"$root/dev/$device"; done
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    for device in null zero urandom; do mount --bind "/dev/$device" "$root/dev/$device"; done
  }
  fresh_volume() {
    umount "$root/data" 2>/dev/null || true
    rm -rf "$volume" && mkdir -m 700 "$volume" && chown 65532:65532 "$volume"
    mount -o remount,rw,bind "$root"
    rm -rf "$root/config.toml" "$root/config"
    mount --bind "$volume" "$root/data"
    mount -o remount,ro,bind "$root"
  }
  # Copies, since it is the read-only root that takes it.
  mounted() {
    mount -o remount,rw,bind "$root"
    mkdir -p "$root$(dirname "$2")"
    cp -r "$1" "$root$2"
    chmod -R a+rX "$root$2"
    mount -o remount,ro,bind "$root"
  }
  # This process becomes the program.
  become_image() {
    exec timeout "$limit" env -i PATH=/ MTG_STATE_DIRECTORY=/data MTG_PUBLIC_HOST=proxy.example.com "${variables[@]}" \
      "$(command -v chroot)" --userspec=65532:65532 "$root" /mtg "$@"
  }
  start() {
    become_image "$@" >"$base/out" 2>"$base/log" &
    pid=$!
    for _ in $(seq 100); do
      grep -q 'listening on' "$base/log" && return 0
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    return 1
  }
  read_output() { :; }
  in_image() (become_image "$@")
  stop() {
    kill -TERM "$pid"
    wait "$pid"
  }
  ip link set lo up
  # As Docker does for each container.
  echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
  make_root
}

# --- The tries ------------------------------------------------------------------------------------------------------------------

if [ "$engine" = none ]; then use_plain_root; else use_engine; fi
trap clean_up EXIT

failed=0
report() {
  if [ "$2" = ok ]; then printf 'ok      %s\n' "$1"; else
    printf 'FAILED  %s: %s\n' "$1" "$2"
    failed=$((failed + 1))
  fi
}

# serves NAME [COMMAND…]: it listens, prints links, is healthy, shows the same secret by access, and ends in order.
serves() {
  local name=$1 problem=ok line
  shift
  [ "$#" -gt 0 ] || set -- run /config.toml
  if ! start "$@"; then
    report "$name" "$(head -c 300 "$base/log")"
    stop || true
    return
  fi
  for _ in $(seq 50); do
    read_output
    grep -q tg:// "$base/out" && break
    sleep 0.1
  done
  grep -q 'tg://proxy?server=proxy.example.com' "$base/out" || problem="no links"
  # What the image's HEALTHCHECK asks, whatever was started.
  line=$(in_image healthcheck /config.toml 2>&1) || problem="unhealthy: $line"
  if [ "$1" = run ]; then
    line=$(in_image access "$2" 2>&1) || problem="access: $line"
    grep -qF "$(grep -o 'secret=[^"&]*' "$base/out" | head -n 1)" <<<"$line" || problem="access shows another secret"
  fi
  stop || problem="exit code $?"
  report "$name" "$problem"
}

# refuses NAME WORDS: with exit code 2, and these words.
refuses() {
  local code=0
  limit=20
  in_image run /config.toml >"$base/out" 2>"$base/log" || code=$?
  limit=0
  if [ "$code" -eq 2 ] && grep -qF "$2" "$base/log"; then report "$1" ok; else
    report "$1" "exit code $code: $(head -c 300 "$base/log")"
  fi
}

secret=00112233445566778899aabbccddeeff

fresh_volume
serves 'run -p443:443 -v proxy-config:/data mtg (makes a secret)'
kept=$(cat "$volume/secret")
[ "$(stat -c '%a %u' "$volume/secret")" = '600 65532' ] && mode=ok || mode="$(stat -c '%a %u' "$volume/secret")"
report 'the secret is 600, of user 65532' "$mode"
serves 'the same again (keeps the secret)'
[ "$kept" = "$(cat "$volume/secret")" ] && same=ok || same="another secret"
report 'the secret is the same after a restart' "$same"

fresh_volume
echo "$secret" >"$volume/secret" && chown -R 0:0 "$volume" && chmod 755 "$volume"
serves 'a volume of the Alpine image, owned by root (adopted)'
grep -q "secret=$secret" "$base/out" && adopted=ok || adopted="another secret"
report 'the links have the adopted secret' "$adopted"

fresh_volume
chown 0:0 "$volume" && chmod 755 "$volume"
if start run /config.toml && grep -q 'in memory only' "$base/log"; then memory=ok; else memory=$(head -c 300 "$base/log"); fi
stop || memory="exit code $?"
report 'a volume that may not be written (secret in memory, said so)' "$memory"

fresh_volume
variables=("SECRET=$secret"); serves 'run -e SECRET=HEX'
variables=("SECRET=dd$secret" WORKERS=1 HTTP_PORT=8443); serves 'run -e SECRET=ddHEX -e WORKERS=1 -e HTTP_PORT=8443'
variables=(SECRET_COUNT=1); serves 'run -e SECRET_COUNT=1'
variables=(MTP_PORT=1443 "MTP_SECRET=$secret"); serves 'run -e MTP_PORT=1443 -e MTP_SECRET=HEX'
variables=("MTG_SECRET=$secret" MTG_BIND_TO=0.0.0.0:3128); serves 'run -e MTG_SECRET -e MTG_BIND_TO'
variables=("SECRET=$secret,$secret"); refuses 'run -e SECRET=A,B' 'SECRET = (hidden): several secrets at once are not in this version'
variables=(SECRET_COUNT=4); refuses 'run -e SECRET_COUNT=4' 'SECRET_COUNT = "4": several secrets'
variables=("SECRET=$secret" "TAG=$secret"); refuses 'run -e SECRET -e TAG' 'TAG is set: ad tags'
variables=("MTP_SECRET=$secret" "MTP_TAG=$secret"); refuses 'run -e MTP_SECRET -e MTP_TAG' 'MTP_TAG is set: ad tags'
variables=("MTP_SECRET=$secret" MTP_DD_ONLY=t); refuses 'run -e MTP_SECRET -e MTP_DD_ONLY' 'MTP_DD_ONLY is set'

variables=()
fresh_volume
mkdir -p "$base/etc"
printf 'secret = "%s"\nbind-to = "0.0.0.0:3128"\n' "$(in_image generate-secret www.example.com)" >"$base/etc/config.toml"
mounted "$base/etc/config.toml" /config.toml
serves "run -v \$PWD/config.toml:/config.toml -p 443:3128 (and exec … /mtg access /config.toml)"
fresh_volume
mounted "$base/etc" /config.toml
serves "run -v \$PWD/etc:/config.toml (a directory)"
fresh_volume
mounted "$base/etc" /config
serves "run -v \$PWD/etc:/config … run /config/config.toml" run /config/config.toml
fresh_volume
mkdir "$base/nothing"
mounted "$base/nothing" /config.toml
refuses "run -v \$PWD/typo.toml:/config.toml (Docker makes a directory)" 'it is a directory without config.toml in it'
fresh_volume
serves 'run … simple-run -n 1.1.1.1 0.0.0.0:3128 SECRET' simple-run -n 1.1.1.1 0.0.0.0:3128 "$secret"

echo "$failed failed"
[ "$failed" -eq 0 ]
