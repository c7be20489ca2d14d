#!/usr/bin/env bash
# Runs every unit test and fuzz-corpus binary under DIR (only those of module M), two at a time; prints one line per
# binary and a total "N passed, N failed". usage: run_units.sh DIR [M]
set -u
dir=$1 module=${2:-}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0} UBSAN_OPTIONS=print_stacktrace=1 LOGS=$logs
export LSAN_OPTIONS=suppressions=tests/lsan.supp:print_suppressions=0
run_one() {
    name=${1#"$2"/}
    log=$LOGS/$(echo "$name" | tr / _).log
    timeout 600 "$1" >"$log" 2>&1
    code=$?
    passed=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | awk '{s+=$1} END {print s+0}')
    failed=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$log" | awk '{s+=$1} END {print s+0}')
    if [ $code -ne 0 ] && [ "$failed" = 0 ]; then failed=1; fi
    if [ $code -eq 0 ] && [ "$passed" = 0 ]; then passed=1; fi
    echo "$passed $failed" >"$log.count"
    if [ "$failed" = 0 ]; then echo "ok   $name ($passed)"; else echo "FAIL $name ($failed, exit $code)"; grep -v '\[       OK \]\|\[ RUN      \]' "$log" | tail -60; fi
}
export -f run_one
find "$dir" -type f -executable \( -name '*_test' -o -name '*_fuzz' \) -path "$dir/$module*" | sort |
    xargs -P 2 -I{} bash -c 'run_one "$@"' _ {} "$dir"
total=$(cat "$logs"/*.count 2>/dev/null | awk '{p+=$1; f+=$2} END {print p+0 " passed, " f+0 " failed"}')
echo "$total"
case "$total" in *" 0 failed") exit 0 ;; *) exit 1 ;; esac
