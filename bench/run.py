#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make bench: measures weir, then the real Kafka and Cassandra with the same clients, and writes bench/RESULTS.md.

Medians of ROUNDS (default 3) runs. Every server has free ports and a folder of its own under build/bench/data, and ends by its pid.
A step that fails or takes too long is told in the results; the others go on. No step starts after LIMIT_S (default 1500) seconds.
PEERS=0 leaves out the real systems; ONLY=name,name runs some steps; RECOVERY_GB says how much log the kill -9 leaves behind."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
import urllib.request

import log
from harness import (COMMIT, DATA, ROOT, ROUNDS, STARTED, WEIR, Peer, Weir, bench, cpu_s, failures, figure, figures, loads, note, number, own_mb, rss_mb,
                     run, running, stop, table)

LIMIT_S = int(os.environ.get("LIMIT_S", "1500"))
CQL_ROWS, TABLE_RECORDS = 60000, 200000


# --- steps: each notes its figures under its own name -------------------------------------------------------------------
def start(step):
    for i in range(ROUNDS):
        for name in ("fresh_ms", "again_ms"):
            with Weir("examples/users", DATA / f"start{i}") as weir:
                note(step, name, weir.ready_ms())
                time.sleep(1 if name == "fresh_ms" else 0)


def idle(step):
    with Weir("examples/users", DATA / "idle") as weir:
        time.sleep(70)  # it fetches for a minute; idle is after that
        before = cpu_s(weir.pid)
        time.sleep(10)
        weir.check()
        note(step, "rss_mb", rss_mb(weir.pid))
        note(step, "own_mb", own_mb(weir.pid))
        note(step, "cpu_percent", (cpu_s(weir.pid) - before) * 10)


def people(step):
    for _ in range(ROUNDS):
        bench(step, "people")


def scheduler(step):
    run("make", "--no-print-directory", "-s", "build/bench/scheduler_bench", timeout=120)
    for line in run("build/bench/scheduler_bench", DATA / "scheduler").splitlines():
        note(step, line.split()[0], float(line.split()[1]))


def cql_rounds(step, where, pid, warm_up):
    for i in range(ROUNDS + warm_up):
        bench(step if i >= warm_up else step + ", warming up", "cql", "--count", CQL_ROWS, "--pid", pid, *where)
    note(step, "rss_mb", rss_mb(pid))


def weir_tables(step):
    with Weir(DATA / "empty", DATA / "tables") as weir:
        cql_rounds("weir cql", ("--at", weir.at), weir.pid, 0)


def real_cassandra(step):
    with Peer("start_cassandra.sh", "batch" if "batch" in step else "periodic") as peer:
        figures.setdefault(step, {})["version"] = peer.version
        cql_rounds(step, ("--cql", peer.where), peer.pid, 2)


def fill_people(data):
    with Weir("examples/users", data) as weir:
        run(WEIR, "dags", "pause", "user_automation", "--at", weir.at)
        run(WEIR, "people", "--count", TABLE_RECORDS, "--shape", "flat", "--seed", "bench", "--topic", "bench_people", "--at", weir.at)


def drain(weir):
    """Waits until the query has read all; records per second of the time its batches took."""
    deadline = time.monotonic() + 60
    while True:
        stream = json.load(urllib.request.urlopen(f"http://{weir.at}/api/streams", timeout=10))[0]
        if stream["error"] or time.monotonic() > deadline:
            raise RuntimeError(stream["error"] or f"only {stream['numInputRows']} rows after a minute")
        if stream["numInputRows"] >= TABLE_RECORDS:
            break
        time.sleep(0.05)
    url = f"http://{weir.at}/api/streams/bench_people/progress?limit=1000"
    progress = json.load(urllib.request.urlopen(url, timeout=10))
    busy_ms = sum(batch["durationMs"]["triggerExecution"] for batch in progress)
    return sum(batch["numInputRows"] for batch in progress) / busy_ms * 1000


def topic_to_table(step):
    fill_people(DATA / "people")
    for i in range(ROUNDS):
        data, project = DATA / f"stream{i}", DATA / f"project{i}"
        shutil.copytree(DATA / "people", data, ignore=shutil.ignore_patterns("*.sock"))
        shutil.copytree("bench/project", project)
        with Weir(project, data) as weir:
            note(step, "records", drain(weir))
            note(step, "cpu_us", cpu_s(weir.pid) * 1e6 / TABLE_RECORDS)


def profile(step):
    """Where the slowest path (topic to table) spends its time."""
    data, project = DATA / "profiled", DATA / "profiled_project"
    shutil.copytree(DATA / "people", data, ignore=shutil.ignore_patterns("*.sock"))
    shutil.copytree("bench/project", project)
    out = DATA / "perf.data"
    with Weir(project, data) as weir:
        recorder = subprocess.Popen(["perf", "record", "-q", "-F", "997", "-o", out, "-p", str(weir.pid)],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            drain(weir)
        finally:
            recorder.send_signal(signal.SIGINT)
            recorder.wait(20)
    report = run("perf", "report", "-i", out, "--stdio", "--no-children", "--sort", "symbol,dso", "--percent-limit", "0.1")
    lines = [line.split() for line in report.splitlines() if line.strip() and not line.startswith("#")]
    figures[step] = {"lines": [f"{share:>7}  {dso:24} {symbol}" for share, _, symbol, dso in map(four, lines[:12])]}


def four(words):
    """perf's share, kind, symbol (which may hold spaces), dso; without the empty columns newer ones add."""
    while words[-1] == "-":
        words = words[:-1]
    return words[0], words[1], " ".join(words[2:-1]), words[-1]


STEPS = [("start", start, False), ("log", log.weir_log, False), ("log starts", log.log_starts, False), ("tables", weir_tables, False), ("topic to table", topic_to_table, False),
         ("profile", profile, False), ("people", people, False), ("scheduler", scheduler, False), ("Kafka", log.real_kafka, True),
         ("Cassandra batch", real_cassandra, True), ("Kafka fsync", log.real_kafka, True), ("idle", idle, False),
         ("Cassandra", real_cassandra, True)]


# --- results --------------------------------------------------------------------------------------------------------------
def results():
    first_line = lambda *command: run(*command).splitlines()[0]
    model = next((line.split(": ")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    versions = {step: value["version"] for step, value in figures.items() if "version" in value}
    kafkas = [step for step in ("Kafka fsync", "Kafka") if step in versions]
    cassandras = [step for step in ("Cassandra batch", "Cassandra") if step in versions]
    out = ["# Results", "",
           f"Made by `make bench` (bench/run.py) on {time.strftime('%F', time.gmtime())} in {time.monotonic() - STARTED:.0f} s: "
           f"medians of {ROUNDS} runs; weir at commit {COMMIT}.",
           f"Machine: {os.cpu_count()} cores, {model}, {memory_gb:.0f} GB, {os.uname().sysname} {os.uname().release}, {first_line('gcc', '--version')}. "
           f"Clients and servers share these cores, all at nice {os.nice(0)}.",
           "Load average of the machine as each step began (above 2, other work than ours disturbs: all servers alike, figures in time more than CPU): "
           + ", ".join(f"{name} {load:.1f}" for name, load in loads.items()) + ".",
           "The real systems: " + (", ".join(f"{step} {version}" for step, version in versions.items()) or "not measured")
           + f"; {first_line('sh', '-c', 'java -version 2>&1')}, heap 1 GB, after one (Kafka) or two (Cassandra) rounds of warming up.",
           "× says how many times better weir is."]
    out += [f"\nFailed: {name}: {why}" for name, why in failures]
    log.log_tables(out, kafkas)
    table(out, "Tables: prepared statements, 128 in flight on one connection, rows of 270 bytes", "weir cql", cassandras,
          [("inserts", "cql_insert", "requests/s", 1, True), ("their p50", "cql_insert_p50", "µs", 1, False),
           ("their p99", "cql_insert_p99", "µs", 1, False), ("CPU of the server, an insert", "cql_insert_cpu", "µs", 1e-3, False),
           ("reads by key", "cql_read", "requests/s", 1, True), ("their p50", "cql_read_p50", "µs", 1, False),
           ("their p99", "cql_read_p99", "µs", 1, False), ("CPU of the server, a read", "cql_read_cpu", "µs", 1e-3, False),
           ("memory after it", "rss_mb", "MB", 1, False)])
    out += ["", "weir answers after fdatasync, as `commitlog_sync: batch` does; Cassandra by default answers before it, up to 10 s of writes can be lost.",
            f"Command: `weir bench cql --count {CQL_ROWS} [--cql HOST:PORT] --pid PID`."]
    out += ["", "## weir alone", "", "| | |", "|---|---:|"]
    for what, step, name, unit in (
            ("ready, new data directory (examples/users)", "start", "fresh_ms", "ms"),
            ("ready, existing data directory", "start", "again_ms", "ms"),
            ("resident memory, idle (examples/users, after its minute of fetching)", "idle", "rss_mb", "MB"),
            ("of it its own: without program and libraries", "idle", "own_mb", "MB"),
            ("CPU when idle", "idle", "cpu_percent", "% of a core"),
            (f"topic → from_json → table of 16 columns, {TABLE_RECORDS} records (bench/project)", "topic to table", "records", "records/s"),
            ("its CPU, with start and commit", "topic to table", "cpu_us", "µs/record"),
            ("people generated, flat", "people", "people_flat", "records/s"),
            ("people generated, nested", "people", "people_nested", "records/s"),
            ("from a task's end to the next one's start, p50", "scheduler", "task_gap_p50", "µs"),
            ("the same, p99", "scheduler", "task_gap_p99", "µs"),
            ("40 bash tasks one after the other", "scheduler", "chain_of_40_processes_ms", "ms"),
            ("400 bash tasks side by side", "scheduler", "fan_of_400_processes_ms", "ms")):
        out.append(f"| {what} | {number(figure(step, name))} {unit} |")
    if "profile" in figures:
        out += ["", "## CPU profile of the slowest: topic to table", "", "```", *figures["profile"]["lines"], "```"]
    return "\n".join(out) + "\n"


def main():
    shutil.rmtree(DATA, ignore_errors=True)
    (DATA / "empty").mkdir(parents=True)
    os.chdir(ROOT)
    only = os.environ.get("ONLY", "").split(",") if os.environ.get("ONLY") else None
    try:
        for name, step, is_peer in STEPS:
            if only and name not in only or is_peer and os.environ.get("PEERS") == "0":
                continue
            if time.monotonic() - STARTED > LIMIT_S:
                failures.append((name, f"left out: {LIMIT_S} s were over"))
                continue
            loads[name] = os.getloadavg()[0]
            print(f"== {name} ({time.monotonic() - STARTED:.0f} s, load {loads[name]:.1f})", flush=True)
            try:
                step(name)
            except Exception as error:  # a step may fail in any way; the others are still worth having
                traceback.print_exc()
                failures.append((name, str(error).replace("\n", " ")))
            finally:
                for pid in list(running):
                    stop(pid)
        text = results()
    finally:
        for pid in list(running):
            stop(pid)
        shutil.rmtree(DATA, ignore_errors=True)
    if only:
        print(text)
    else:
        (ROOT / "bench/RESULTS.md").write_text(text)
        print(text)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
