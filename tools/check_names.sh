#!/usr/bin/env bash
# Every global symbol of a library starts with a name that one of its own folder's headers or files carries: the type or
# module it belongs to. usage: check_names.sh BUILD_DIR
set -u
dir=$1
bad=0
for lib in "$dir"/lib/*.a; do
    folder=$(basename "$lib" .a)
    names=$( (find "src/$folder" "build/gen/$folder" -name '*.[ch]' 2>/dev/null | sed 's|.*/||; s|\.[ch]$||; s|_int$||'
        # and every struct and enum the folder's headers define: thing -> thing_verb
        grep -rhoE --include='*.h' '^(struct|enum) [a-z_0-9]+' "src/$folder" "build/gen/$folder" 2>/dev/null | awk '{print $2}'
        awk -v folder="$folder" '$1 == folder {print $2}' src/NAMES
        echo "$folder") | sort -u)
    symbols=$(nm -g --defined-only "$lib" 2>/dev/null | awk 'NF == 3 && $2 ~ /[TDBR]/ {print $3}' | sort -u)
    unknown=$(awk -v folder="$folder" 'NR == FNR { names[$1] = 1; next }
        {
            symbol = $1; ok = 0
            for (name in names) if (index(symbol, name) == 1 || index(name, symbol) == 1) { ok = 1; break }
            if (!ok) { stem = symbol; while (!ok && sub(/_[^_]*$/, "", stem)) for (name in names) if (index(name, stem "_") == 1 || name == stem "s") { ok = 1; break } }
            if (!ok) print "  " symbol
        }' <(echo "$names") <(echo "$symbols"))
    if [ -n "$unknown" ]; then
        echo "$folder: symbols that carry no name of the folder:"
        echo "$unknown"
        bad=1
    fi
done
exit $bad
