#!/usr/bin/env bash
# Fetches TDLib from npm and prints the path of its library, for the tests with it:
#
#   TEST_TDLIB=$(scripts/fetch_tdlib.sh) deno task test
#
# It is Telegram's own client library, 23 MB to download and kept in CACHE, which may be set; no part of mtg.
set -euo pipefail
version=0.1008065.0
case $(uname -s)-$(uname -m) in
  Linux-x86_64) platform=linux-x64-glibc ;;
  Linux-aarch64) platform=linux-arm64-glibc ;;
  *) echo "there is no TDLib for $(uname -s) on $(uname -m) here" >&2 && exit 1 ;;
esac
cache=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mtg-tdlib}/$version
library=$cache/package/libtdjson.so
if [ ! -e "$library" ]; then
  mkdir -p "$cache"
  archive=$(cd "$cache" && npm pack --silent "@prebuilt-tdlib/$platform@$version")
  tar -xzf "$cache/$archive" -C "$cache"
  rm "$cache/$archive"
fi
echo "$library"
