#!/usr/bin/env bash
# Fetches TDLib from npm and prints the path of its library, for the tests with it:
#
#   TEST_TDLIB=$(scripts/fetch_tdlib.sh) deno task test
#
# It is Telegram's own client library for Linux x64, 23 MB to download and kept in TEST_CACHE, which may be set; no part of mtg.
set -euo pipefail
version=0.1008065.0
sha512=63bd93b715f7dd38dfa6f371532cd2ff715db495e26b69d20ade46eb5b0e7a2bfa278ade85b42ced24629bce89727dbf379b84500dde23050111554e58aa3027
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || { echo "there is a TDLib for Linux on x86_64 alone" >&2 && exit 1; }
cache=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mtg-tdlib}
library=$cache/$version/libtdjson.so
if [ ! -e "$library" ]; then
  mkdir -p "$cache"
  # In its place when it is whole, and only then.
  fresh=$(mktemp -d "$cache/XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  archive=$(cd "$fresh" && npm pack --silent "@prebuilt-tdlib/linux-x64-glibc@$version")
  echo "$sha512  $fresh/$archive" | sha512sum --check --quiet >&2
  tar -xzf "$fresh/$archive" -C "$fresh"
  mkdir -p "$cache/$version"
  mv "$fresh/package/libtdjson.so" "$library"
fi
echo "$library"
