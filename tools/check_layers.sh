#!/usr/bin/env bash
# Refuses an #include that src/LAYERS does not allow: a folder sees itself and the folders listed for it.
set -u
grep -rnE --include='*.[ch]' '^#include "' src |
    awk '
        FILENAME == "src/LAYERS" { if ($0 !~ /^#/ && NF) { known[$1] = 1; for (i = 1; i <= NF; i++) ok[$1, $i] = 1 }; next }
        {
            split($0, part, ":"); split(part[1], path, "/"); folder = path[2]
            match($0, /"[^"]+"/); file = substr($0, RSTART + 1, RLENGTH - 2)
            if (split(file, to, "/") < 2) { if (part[1] !~ /_test\.c$|_fuzz\.c$/) { print part[1] ":" part[2] ": \"" file "\" must be named from src/, such as \"base/err.h\""; bad = 1 }; next }
            if (!known[folder]) { print part[1] ": folder " folder " is not in src/LAYERS"; bad = 1 }
            else if (!ok[folder, to[1]]) { print part[1] ":" part[2] ": " folder " may not include " file; bad = 1 }
            if (file ~ /_int\.h$/ && to[1] != folder) { print part[1] ":" part[2] ": " file " is private to " to[1]; bad = 1 }
        }
        END { exit bad }' src/LAYERS -
layers=$?
# Only os/ may use the kernel headers, only store/kv RocksDB, only store/db SQLite.
rules=0
while read -r header allowed; do
    found=$(grep -rnE --include='*.[ch]' "^#include <$header" src | grep -vE "^src/($allowed)|_test\.c:|_test_util\.h:|_fuzz\.c:")
    if [ -n "$found" ]; then
        printf '%s\n' "$found" | sed "s|\$|: only $allowed may|"
        rules=1
    fi
done <<'TABLE'
sys/ os/
rocksdb/ store/kv/
sqlite3.h store/db/
uv.h (loop|net)/
microhttpd.h net/
curl/ net/
librdkafka/ (remote|app)/
TABLE
[ $layers = 0 ] && [ $rules = 0 ]
