#!/usr/bin/env bash
# make test: every stage in turn; each prints "N passed, N failed", the sum comes last.
# Stages: unit (ASan + UBSan), clients (real, unmodified), diff (the same requests to Apache Kafka), robust (bad clients, full disks), examples (end to end), crash (kill -9 under load, histories of many clients), console (chromium).
# usage: run.sh [stage ...]
set -u
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(unit clients diff robust examples crash console)
passed=0 failed=0
logs=build/test-logs
mkdir -p $logs
make --no-print-directory -j2 DEV=1 V=release build/weir >$logs/build.log 2>&1 || { tail -30 $logs/build.log; echo "0 passed, 1 failed"; exit 1; }
run_stage() {
    case $1 in
    unit) make --no-print-directory -j2 V=asan DEV=1 unit-bins >$logs/unit-build.log 2>&1 || { tail -30 $logs/unit-build.log; return 1; }
        tests/run_units.sh build/asan/test ;;
    clients) tests/run_pytest.sh tests/clients ;;
    examples) tests/run_pytest.sh tests/examples ;;
    diff) tests/run_pytest.sh tests/diff ;;
    robust) tests/run_pytest.sh tests/robust ;;
    crash) tests/run_pytest.sh tests/crash ;;
    console) tests/run_pytest.sh tests/console ;;
    *) echo "unknown stage $1"; return 1 ;;
    esac
}
for stage in "${stages[@]}"; do
    echo "== $stage"
    start=$(date +%s)
    run_stage "$stage" 2>&1 | tee "$logs/$stage.log"
    code=${PIPESTATUS[0]}
    counts=$(grep -oE '^[0-9]+ passed, [0-9]+ failed$' "$logs/$stage.log" | tail -1)
    p=$(echo "${counts:-0 passed, 0 failed}" | awk '{print $1}') f=$(echo "${counts:-0 passed, 0 failed}" | awk '{print $3}')
    [ "$code" = 0 ] || [ "$f" != 0 ] || f=1
    passed=$((passed + p)) failed=$((failed + f))
    echo "== $stage: $p passed, $f failed in $(($(date +%s) - start)) s"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
