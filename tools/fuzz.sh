#!/usr/bin/env bash
# Runs one fuzzer under ASan + UBSan with a new seed again and again. usage: fuzz.sh data/json_column [SECONDS]
set -eu
[ -n "${1:-}" ] || { echo "usage: make fuzz T=data/json_column [TIME=60]; the fuzzers are:"; git ls-files 'src/*_fuzz.c' | sed 's|src/|  |; s|_fuzz.c||'; exit 2; }
make --no-print-directory V=asan "build/asan/test/${1}_fuzz"
end=$(($(date +%s) + ${2:-60})) rounds=0
while [ "$(date +%s)" -lt $end ]; do
    seed=$(od -An -N6 -tu8 /dev/urandom | tr -d ' ')
    FUZZ_SEED=$seed "build/asan/test/${1}_fuzz" >build/fuzz.log 2>&1 || { echo "FUZZ_SEED=$seed fails:"; tail -40 build/fuzz.log; exit 1; }
    rounds=$((rounds + 1))
done
echo "$1: $rounds rounds, nothing found"
