#!/bin/sh
# Compresses the description of the API for the program, to a tenth:
# sh device/control/pack.sh
set -eu
cd "$(dirname "$0")"
gzip -9 -n -c openapi.json >openapi.json.gz
