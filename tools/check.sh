#!/usr/bin/env bash
# make check: layers, symbol names, format, clang-tidy. Prints every finding; exit 1 if there is any.
set -u
failed=0
step() { printf '%-12s ' "$1"; shift; if out=$("$@" 2>&1); then echo ok; else echo FAILED; printf '%s\n' "$out" | head -60; failed=1; fi; }
format() {
    git ls-files 'src/*.[ch]' 'tools/*.c' 'bench/*.[ch]' | xargs -n 40 -P 2 clang-format --dry-run --Werror 2>&1 | grep -E 'error' | head -40
    [ "${PIPESTATUS[2]}" != 0 ]
}
tidy() {
    make --no-print-directory V=debug build/debug/tidy.flags >/dev/null || return 1
    flags=$(cat build/debug/tidy.flags)
    # shellcheck disable=SC2086
    git ls-files 'src/*.c' | grep -v '_test\.c$\|_fuzz\.c$' | xargs -n 4 -P 2 sh -c 'clang-tidy-14 --quiet "$@" -- '"$flags"' 2>/dev/null || clang-tidy --quiet "$@" -- '"$flags"' 2>/dev/null' _ | grep -E 'warning:|error:' | sort -u
    [ "${PIPESTATUS[3]}" != 0 ]
}
step layers tools/check_layers.sh
step build make --no-print-directory DEV=1 -j2 V=release build/weir
step names tools/check_names.sh build/release
step format format
step tidy tidy
exit $failed
