#!/usr/bin/env bash
# Runs pytest over a folder in the project's own virtual environment (build/venv, made on first use) and prints
# "N passed, N failed". usage: run_pytest.sh FOLDER [pytest arguments]
set -u
venv=build/venv
if [ ! -f $venv/ok ] || [ tests/requirements.txt -nt $venv/ok ]; then
    python3 -m venv $venv && $venv/bin/pip install -q --disable-pip-version-check -r tests/requirements.txt && touch $venv/ok ||
        { echo "cannot make the test environment"; exit 1; }
fi
xml=build/test-logs/$(basename "$1").xml
mkdir -p build/test-logs
$venv/bin/python -m pytest -q -rs --durations=5 --junitxml="$xml" "$@"
code=$?
$venv/bin/python - "$xml" <<'PY'
import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot().find("testsuite")
failed = int(suite.get("failures")) + int(suite.get("errors"))
print(f"{int(suite.get('tests')) - failed - int(suite.get('skipped'))} passed, {failed} failed")
PY
exit $code
