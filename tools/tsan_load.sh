#!/usr/bin/env bash
# The whole program under ThreadSanitizer while many clients write, read, commit, abort, pause and die (tests/crash/test_history.py).
# Fails when there is any report. usage: tsan_load.sh [SECONDS]
set -eu
make --no-print-directory V=tsan build/tsan/weir
rm -f build/tsan-report.*
WEIR=$PWD/build/tsan/weir HISTORY_SECONDS=${1:-60} TSAN_OPTIONS="log_path=$PWD/build/tsan-report halt_on_error=0 exitcode=0" \
    tests/run_pytest.sh tests/crash/test_history.py -k pauses -s
if ls build/tsan-report.* >/dev/null 2>&1; then
    grep -h SUMMARY build/tsan-report.* | sort | uniq -c
    echo "the reports are in build/tsan-report.*"
    exit 1
fi
echo "no reports"
