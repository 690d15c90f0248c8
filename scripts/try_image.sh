#!/usr/bin/env bash
# Tries what the container does where no engine is at hand: makes the root file system of the image out of plain directories, with
# the system's own glibc, and runs a compiled program in it as the image would: read-only, as user 65532, in a network of its own.
#
#   deno task compile:here && scripts/try_image.sh dist/mtg-VERSION-TARGET
#
# Needs root on Linux, util-linux and iproute2. Each line is one command of docker and what became of it.
set -euo pipefail
program=$(realpath "${1:?give a compiled program}")
if [ -z "${TRY_IMAGE_INSIDE:-}" ]; then
  exec env TRY_IMAGE_INSIDE=1 unshare --mount --net --pid --fork --mount-proc "$0" "$program"
fi

base=$(mktemp -d)
root=$base/root
pid=
clean_up() {
  [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
  wait
  umount -R "$root" 2>/dev/null || true
  rm -rf --one-file-system "$base"
}
trap clean_up EXIT
ip link set lo up
# As Docker does for each container.
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start

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

# A fresh volume at /data, of the image's user; the rest is read-only.
fresh_volume() {
  umount "$root/data" 2>/dev/null || true
  rm -rf "$base/volume" && mkdir -m 700 "$base/volume" && chown 65532:65532 "$base/volume"
  mount -o remount,rw,bind "$root"
  rm -rf "$root/config.toml" "$root/config"
  mount --bind "$base/volume" "$root/data"
  mount -o remount,ro,bind "$root"
}

# mounted FROM TO: as -v FROM:TO. Copies, since it is the read-only root that takes it.
mounted() {
  mount -o remount,rw,bind "$root"
  mkdir -p "$root$(dirname "$2")"
  cp -r "$1" "$root$2"
  chmod -R a+rX "$root$2"
  mount -o remount,ro,bind "$root"
}

variables=()
# This process becomes the program.
become_image() {
  exec env -i PATH=/ MTG_STATE_DIRECTORY=/data MTG_PUBLIC_HOST=proxy.example.com "${variables[@]}" \
    "$(command -v chroot)" --userspec=65532:65532 "$root" /mtg "$@"
}
in_image() (become_image "$@")

failed=0
report() {
  if [ "$2" = ok ]; then printf 'ok      %s\n' "$1"; else
    printf 'FAILED  %s: %s\n' "$1" "$2"
    failed=$((failed + 1))
  fi
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

# serves NAME [COMMAND…]: it listens, prints links, is healthy, shows the same secret by access, and ends in order.
serves() {
  local name=$1 problem=ok line
  shift
  [ "$#" -gt 0 ] || set -- run /config.toml
  if ! start "$@"; then report "$name" "$(head -c 300 "$base/log")"; return; fi
  for _ in $(seq 50); do grep -q tg:// "$base/out" && break; sleep 0.1; done
  grep -q 'tg://proxy?server=proxy.example.com' "$base/out" || problem="no links"
  if [ "$1" = run ]; then
    line=$(in_image healthcheck "$2" 2>&1) || problem="unhealthy: $line"
    line=$(in_image access "$2" 2>&1) || problem="access: $line"
    grep -qF "$(grep -o 'secret=[^"&]*' "$base/out" | head -n 1)" <<<"$line" || problem="access shows another secret"
  fi
  kill -TERM "$pid"
  wait "$pid" || problem="exit code $?"
  report "$name" "$problem"
}

# refuses NAME WORDS: with exit code 2, and these words.
refuses() {
  local code=0
  in_image run /config.toml >"$base/out" 2>"$base/log" || code=$?
  if [ "$code" -eq 2 ] && grep -qF "$2" "$base/log"; then report "$1" ok; else
    report "$1" "exit code $code: $(head -c 300 "$base/log")"
  fi
}

secret=00112233445566778899aabbccddeeff
make_root

fresh_volume
serves 'run -p443:443 -v proxy-config:/data mtg (makes a secret)'
kept=$(cat "$base/volume/secret")
[ "$(stat -c '%a %u' "$base/volume/secret")" = '600 65532' ] && mode=ok || mode="$(stat -c '%a %u' "$base/volume/secret")"
report 'the secret is 600, of user 65532' "$mode"
serves 'the same again (keeps the secret)'
[ "$kept" = "$(cat "$base/volume/secret")" ] && same=ok || same="another secret"
report 'the secret is the same after a restart' "$same"

fresh_volume
echo "$secret" >"$base/volume/secret" && chown -R 0:0 "$base/volume" && chmod 755 "$base/volume"
serves 'a volume of the Alpine image, owned by root (adopted)'
grep -q "secret=$secret" "$base/out" && adopted=ok || adopted="another secret"
report 'the links have the adopted secret' "$adopted"

fresh_volume
chown 0:0 "$base/volume" && chmod 755 "$base/volume"
if start run /config.toml && grep -q 'in memory only' "$base/log"; then memory=ok; else memory=$(head -c 300 "$base/log"); fi
kill -TERM "$pid" && wait "$pid" || memory="exit code $?"
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
