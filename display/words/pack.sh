#!/bin/sh
# Compresses the texts for the program, to a quarter: sh display/words/pack.sh
set -eu
cd "$(dirname "$0")"
rm -rf packed
mkdir packed
for f in languages/*.toml; do
  gzip -9 -n -c "$f" >"packed/$(basename "$f").gz"
done
