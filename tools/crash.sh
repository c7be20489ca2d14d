#!/usr/bin/env bash
# Looks for what a crash can break, longer and with other seeds than the tests: power cuts on a recorded disk, then kills of the
# whole program under load. usage: crash.sh [SECONDS]
set -eu
seconds=${1:-600}
seed=$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')
tests="store/log/power_test store/log/power_clean_test store/log/power_fault_test broker/power_test broker/power_fault_test"
for test in $tests; do make --no-print-directory V=asan "build/asan/test/$test"; done
make --no-print-directory build/weir
echo "== power cuts, POWER_SEED=$seed"
for test in $tests; do POWER_SEED=$seed POWER_SECONDS=$((seconds / 6)) "build/asan/test/$test"; done
echo "== kills, histories"
CRASH_ROUNDS=$((seconds / 12 + 20)) HISTORY_SECONDS=$((seconds / 4)) tests/run_pytest.sh tests/crash
