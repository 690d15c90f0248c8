#!/usr/bin/env bash
# The end-to-end tests on aarch64: both they and the proxy that they start run in npm's aarch64 Deno under qemu-user.
#
#   scripts/aarch64.sh [TEST.ts …]     all of tests/e2e without names
#
# Wants Debian or Ubuntu with npm and deno, and root or sudo for the packages that are missing. What it downloads stays in TEST_CACHE,
# which may be set. TEST_PATIENCE stretches the time limits of tests, but not the proxy's own, such as the 30 seconds in which
# a worker must have started: let nothing else keep the machine busy. Ends with one line: "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1 TEST_PATIENCE="${TEST_PATIENCE:-20}"
version=2.9.6
cache=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mtg-aarch64}
# Where Debian's packages for cross compiling have aarch64's libraries
sysroot=/usr/aarch64-linux-gnu
# A test file of an emulated program that has ended in a bad way may never come back.
limit=${FILE_LIMIT:-1800}

install_packages() {
  local packages=(qemu-user-static libc6-arm64-cross libgcc-s1-arm64-cross libstdc++6-arm64-cross)
  if command -v qemu-aarch64-static >/dev/null && [ -e "$sysroot/lib/libgcc_s.so.1" ] && [ -e "$sysroot/lib/libc.so.6" ]; then
    return
  fi
  echo "== installing ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  local root=()
  [ "$(id -u)" -eq 0 ] || root=(sudo)
  "${root[@]}" apt-get -qq update </dev/null
  "${root[@]}" apt-get -qq -y install --no-install-recommends "${packages[@]}" </dev/null >/dev/null
}

fetch_deno() {
  [ -x "$cache/$version/package/deno" ] && return
  echo "== fetching Deno $version for aarch64"
  mkdir -p "$cache/$version"
  local archive
  archive=$(cd "$cache/$version" && npm pack --silent "@deno/linux-arm64-glibc@$version")
  tar -xzf "$cache/$version/$archive" -C "$cache/$version"
}

# An aarch64 program cannot start another one without its emulator, so tests are told of a script in Deno's place.
write_wrapper() {
  printf '#!/bin/sh\nexec qemu-aarch64-static -L %q %q "$@"\n' "$sysroot" "$cache/$version/package/deno" >"$cache/deno"
  chmod +x "$cache/deno"
  printf 'Deno.execPath = () => %s;\n' "\"$cache/deno\"" >"$cache/exec_path.js"
}

install_packages
fetch_deno
write_wrapper
# npm's packages, as the tests below may not fetch any
deno install --quiet

target=$("$cache/deno" eval 'console.log(Deno.build.target)')
echo "== Deno $version for $target; limits of tests are stretched by $TEST_PATIENCE"
[ "$target" = aarch64-unknown-linux-gnu ] || exit 1

files=("$@")
[ $# -gt 0 ] || files=(tests/e2e/*_test.ts)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0
for file in "${files[@]}"; do
  start=$SECONDS status=0
  # Types are checked elsewhere, and that takes minutes here.
  timeout --kill-after=10 "$limit" "$cache/deno" test --quiet --no-check --preload "$cache/exec_path.js" \
    --allow-net --allow-read --allow-write --allow-run --allow-env "$file" >"$log" 2>&1 </dev/null || status=$?
  file_passed=$(grep -E '^(ok|FAILED) \| ' "$log" | grep -Eo '[0-9]+ passed' | awk '{ n += $1 } END { print n + 0 }')
  file_failed=$(grep -E '^(ok|FAILED) \| ' "$log" | grep -Eo '[0-9]+ failed' | awk '{ n += $1 } END { print n + 0 }')
  # A runner that ends without naming a test still counts.
  if [ "$status" -ne 0 ] && [ "$file_failed" -eq 0 ]; then file_failed=1; fi
  echo "$file: $file_passed passed, $file_failed failed, $((SECONDS - start)) s"
  [ "$file_failed" -eq 0 ] || sed 's/^/    /' "$log"
  passed=$((passed + file_passed)) failed=$((failed + file_failed))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
