#!/usr/bin/env bash
# The tests' stages with a weir whose threads stand still now and then (tools/jitter.c): what fails here fails once
# in a hundred runs elsewhere. usage: jitter.sh [STAGE ...]
set -eu
make --no-print-directory build/weir build/tools/jitter.so
printf '#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' "$PWD/build/tools/jitter.so" "$PWD/build/weir" >build/jitter.sh
chmod +x build/jitter.sh
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(clients diff robust examples crash console)
WEIR=$PWD/build/jitter.sh tests/run.sh "${stages[@]}"
