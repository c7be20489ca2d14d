#!/usr/bin/env bash
# The tests' stages with a weir whose threads stand still now and then (tools/jitter.c): what fails here fails once
# in a hundred runs elsewhere. With JITTER_ALL=1 the clients, the peers and the tests themselves stand still too.
# usage: jitter.sh [STAGE ...]
set -eu
make --no-print-directory build/weir build/tools/jitter.so
printf '#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' "$PWD/build/tools/jitter.so" "$PWD/build/weir" >build/jitter.sh
chmod +x build/jitter.sh
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(clients diff robust examples crash console)
export WEIR=$PWD/build/jitter.sh
[ -z "${JITTER_ALL-}" ] || export JITTER_ALL LD_PRELOAD=$PWD/build/tools/jitter.so
tests/run.sh "${stages[@]}"
