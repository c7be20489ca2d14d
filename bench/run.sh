#!/usr/bin/env bash
# make bench: starts weir on free ports and measures it; writes bench/RESULTS.md. Medians of $ROUNDS (default 3) runs.
# With KAFKA_BROKERS=host:port or CQL_SERVER=host:port set, the same clients also measure the real system there.
set -eu
cd "$(dirname "$0")/.."
rounds=${ROUNDS:-3}
work=$(mktemp -d)
pid=
stop() { [ -z "$pid" ] || { kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null || true; }; pid=; }
trap 'stop; rm -rf "$work"' EXIT

start() { # start PROJECT DATA: waits for the ready file; sets pid and the addresses
    rm -f "$work/ready.json"
    build/weir up "$1" --ready "$work/ready.json" --set data_dir="$2" --set kafka.listen=127.0.0.1:0 --set cql.listen=127.0.0.1:0 \
        --set console.listen=127.0.0.1:0 --set people.listen=127.0.0.1:0 >"$work/weir.log" 2>&1 &
    pid=$!
    while [ ! -s "$work/ready.json" ]; do kill -0 $pid || { cat "$work/weir.log"; exit 1; }; done
    console=$(field console)
}
field() { python3 -c "import json,sys; print(json.load(open('$work/ready.json'))['$1'])"; }
median() { python3 -c "import sys,statistics; print(round(statistics.median(map(float, sys.argv[1:]))))" "$@"; }
rss_mb() { awk '/VmRSS/ {printf "%.0f", $2 / 1024}' "/proc/$pid/status"; }
cpu_s() { awk '{print ($14 + $15) / 100}' "/proc/$pid/stat"; }
bench() { # bench SUBJECT ARGS...: medians of every figure over the rounds, "name value" lines
    for _ in $(seq "$rounds"); do build/weir bench "$@" --json; done | python3 -c '
import json, statistics, sys
text, decoder, found, at = sys.stdin.read(), json.JSONDecoder(), {}, 0
while text[at:].strip():
    at += len(text[at:]) - len(text[at:].lstrip())
    one, end = decoder.raw_decode(text[at:]); at += end
    for name, value in one.items(): found.setdefault(name, []).append(value)
for name, values in found.items(): print(name, round(statistics.median(values)))'
}

echo "== start"
fresh=() again=()
for i in $(seq "$rounds"); do
    start examples/users "$work/data$i"; fresh+=("$(grep -oE 'ready in [0-9]+' "$work/weir.log" | grep -oE '[0-9]+')"); sleep 3; stop
    start examples/users "$work/data$i"; again+=("$(grep -oE 'ready in [0-9]+' "$work/weir.log" | grep -oE '[0-9]+')")
    [ "$i" = "$rounds" ] || stop
done
start_fresh=$(median "${fresh[@]}") start_again=$(median "${again[@]}")
for _ in $(seq 75); do sleep 1; done # the demo fetches for a minute; idle is after that
idle_rss=$(rss_mb) before=$(cpu_s); sleep 10; idle_cpu=$(python3 -c "print(round(($(cpu_s) - $before) * 10, 1))")
stop

echo "== people"; people=$(bench people)
echo "== scheduler"; make --no-print-directory -s build/bench/scheduler_bench; scheduler=$(build/bench/scheduler_bench "$work/scheduler")
mkdir -p "$work/empty"; start "$work/empty" "$work/load"
echo "== kafka"; produce=$(bench produce --at "$console"); produce_cpu=$(cpu_s); consume=$(bench consume --at "$console"); consume_cpu=$(cpu_s)
echo "== cql"; cql=$(bench cql --at "$console"); load_rss=$(rss_mb)
stop
real_kafka= real_cql=
[ -z "${KAFKA_BROKERS:-}" ] || real_kafka=$(bench produce --brokers "$KAFKA_BROKERS"; bench consume --brokers "$KAFKA_BROKERS")
[ -z "${CQL_SERVER:-}" ] || real_cql=$(bench cql --cql "$CQL_SERVER")

echo "== topic to table"
stream=()
for i in $(seq "$rounds"); do
    start examples/users "$work/stream$i"
    build/weir dags pause user_automation --at "$console" >/dev/null
    build/weir people --count 200000 --shape flat --seed bench --topic bench_people --at "$console" 2>/dev/null
    stop
    cp -r bench/project "$work/project$i"; start "$work/project$i" "$work/stream$i"
    stream+=("$(python3 bench/drain.py "$console" 200000)")
    stop
done
topic_to_table=$(median "${stream[@]}")

{
    echo "# Results"
    echo
    echo "Made by \`make bench\` (bench/run.sh), medians of $rounds runs. $(date -u +%F), weir $(build/weir version | cut -d' ' -f2) at $(git rev-parse --short HEAD 2>/dev/null || echo '?')."
    echo "Machine: $(nproc) cores, $(awk -F': ' '/model name/ {print $2; exit}' /proc/cpuinfo), $(awk '/MemTotal/ {printf "%.0f GB", $2 / 1e6}' /proc/meminfo), $(uname -sr), $(gcc --version | head -1)."
    echo "All clients run on the same two cores as weir. acks=all is answered after fdatasync; the records are 270 bytes."
    echo
    echo "| what | figure |"
    echo "|---|---|"
    echo "| ready on a new data directory (examples/users) | $start_fresh ms |"
    echo "| ready on an existing data directory | $start_again ms |"
    echo "| resident memory, idle, examples/users after its minute of fetching | $idle_rss MB |"
    echo "| CPU when idle | $idle_cpu % of one core |"
    echo "| resident memory after the load below | $load_rss MB |"
    echo "$scheduler" | awk '{print "| scheduler: " $1 " | " $2 ($1 ~ /_ms$/ ? " ms" : " µs") " |"}'
    echo "$people" | awk '{print "| `weir bench people`: " $1 " | " $2 " records/s |"}'
    printf '%s\n%s\n%s\n' "$produce" "$consume" "$cql" | awk 'NF {unit = $1 ~ /_p[0-9]+$/ ? "µs" : "per second"; print "| `weir bench`: " $1 " | " $2 " " unit " |"}'
    echo "| CPU seconds of weir: 1 M records in (all rounds) / out | $produce_cpu / $(python3 -c "print(round($consume_cpu - $produce_cpu, 2))") |"
    echo "| topic → from_json → table, 16 columns | $topic_to_table records/s |"
    [ -z "$real_kafka" ] || echo "$real_kafka" | awk '{print "| the real Kafka at KAFKA_BROKERS: " $1 " | " $2 " |"}'
    [ -z "$real_cql" ] || echo "$real_cql" | awk '{print "| the real Cassandra at CQL_SERVER: " $1 " | " $2 " |"}'
} >"$work/RESULTS.md"
[ ! -f bench/PROFILE.md ] || cat bench/PROFILE.md >>"$work/RESULTS.md"
cp "$work/RESULTS.md" bench/RESULTS.md
cat bench/RESULTS.md
