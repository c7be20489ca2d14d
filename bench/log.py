# SPDX-License-Identifier: Apache-2.0
"""log: the figures of the log, weir and the real Kafka with the same client and the same requests."""
import os
import pathlib
import statistics
import sys
import time

from harness import DATA, ROUNDS, WEIR, Peer, Weir, bench, figure, figures, note, number, own_mb, rss_mb, run, table

RECORD_BYTES = 270
SHAPES = [(partitions, size) for partitions in (1, 8) for size in (100, 270, 1000, 100000)]
RECORDS = {100: 1000000, 270: 600000, 1000: 200000, 100000: 2000}
WARM_GB = 3
QUIET_S = 15
RETENTION_CHECK = ("log.retention.check.interval.ms", 1000)
COLD_RECORDS, COLD_BYTES = 10000, 100000
RECOVERY_GB = int(os.environ.get("RECOVERY_GB", "10"))


def shape_name(partitions, size):
    return f"{partitions}x{size}"


def bench_shape(step, subject, partitions, size, *where):
    words = ("--count", RECORDS[size], "--size", size, "--partitions", partitions, "--topic", f"bench-{partitions}-{size}")
    bench(step, subject, *words, *where, suffix=" " + shape_name(partitions, size))


def drop_caches(data):
    """What is on disk has to be read from it again."""
    os.sync()
    segments = sorted(pathlib.Path(data).rglob("*.log"))
    for path in segments:
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return segments


def disk_mb_s(data):
    paths = drop_caches(data)
    began, got = time.monotonic(), 0
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            while block := file.read(1 << 20):
                got += len(block)
    return got / (time.monotonic() - began) / 1e6


def warm_memory():
    """A virtual machine's host gives a page when it is first touched and takes free ones back after a while: then the first writer into the
    page cache pays, up to 2 s a GB here. Touched and freed just before, memory costs every server the same."""
    run(sys.executable, "-c", f"b'x' * ({WARM_GB} << 30)", timeout=300)


def disk_sync_us(data):
    """What the disk itself takes for the sync of a small append to a file that has its blocks: below this no answer after a sync can come."""
    path = pathlib.Path(data) / "sync.probe"
    with open(path, "wb", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, 1 << 20)
        os.fsync(file.fileno())
        took = []
        for i in range(1000):
            began = time.monotonic()
            os.pwrite(file.fileno(), b"x" * 360, i * 360)
            os.fdatasync(file.fileno())
            took.append((time.monotonic() - began) * 1e6)
    path.unlink()
    return statistics.median(took)


def cold_reads(step, data, *where):
    shape = ("--count", COLD_RECORDS, "--size", COLD_BYTES, "--topic", "bench-cold")
    run(WEIR, "bench", "produce", *shape, *where, timeout=120)
    for _ in range(ROUNDS):
        note(step, "disk MB/s", disk_mb_s(data))
        drop_caches(data)
        bench(step, "consume", *shape, *where, suffix=" cold")


def retained(step, pid, *where):
    """What a topic that keeps 64 MB costs: what is written takes the memory of what goes, which the machine has had all the time."""
    run(WEIR, "topics", "create", "bench-retained", "--config", "segment.bytes=16777216", "--config", "retention.bytes=67108864",
        "--config", "file.delete.delay.ms=0", *where)
    for i in range(ROUNDS + 1):
        bench(step if i else step + ", warming up", "produce", "--count", 4000000, "--topic", "bench-retained", "--pid", pid, *where,
              suffix=" retained")


def steady(step, pid, *where):
    """100 partitions at 10,000 records a second: what the server takes in memory then."""
    bench(step, "paced", "--count", 50000, "--rate", 10000, "--partitions", 100, "--topic", "bench-hundred", *where, suffix=" 100")
    note(step, "rss_mb 100", rss_mb(pid))
    note(step, "own_mb 100", own_mb(pid))


def rounds(step, pid, data, where, warm_up):
    measured = ("--pid", pid, *where)
    steady(step, pid, *measured)
    for i in range(ROUNDS + warm_up):
        name = step if i >= warm_up else step + ", warming up"
        warm_memory()
        note(name, "disk sync us", disk_sync_us(data))
        bench(name, "single", *measured)
        bench(name, "paced", "--count", 5000, *measured)
        for partitions, size in SHAPES if i >= warm_up else [(1, RECORD_BYTES)]:
            bench_shape(name, "produce", partitions, size, *measured)
            bench_shape(name, "consume", partitions, size, *measured)
    retained(step, pid, *where)
    time.sleep(QUIET_S)
    note(step, "rss_mb", rss_mb(pid))
    cold_reads(step, data, *measured)


def weir_log(step):
    with Weir(DATA / "empty", DATA / "load", "kafka.settings={%s: %d}" % RETENTION_CHECK) as weir:
        rounds("weir log", weir.pid, DATA / "load/kafka/log", ("--at", weir.at), 0)


def real_kafka(step):
    properties = ["%s=%d" % RETENTION_CHECK] + ["log.flush.interval.messages=1"] * ("fsync" in step)
    with Peer("start_kafka.sh", *properties) as peer:
        figures.setdefault(step, {})["version"] = peer.version
        rounds(step, peer.pid, DATA / "peer/data", ("--brokers", peer.where), 1)


def log_starts(step):
    """1,000 partitions after a clean stop; after kill -9 with RECOVERY_GB of log."""
    data = DATA / "starts"
    with Weir(DATA / "empty", data) as weir:
        run(WEIR, "bench", "produce", "--count", 10000, "--partitions", 1000, "--topic", "thousand", "--at", weir.at)
    for _ in range(ROUNDS):
        with Weir(DATA / "empty", data) as weir:
            note(step, "1000 partitions ms", weir.ready_ms())
    weir = Weir(DATA / "empty", data)
    run(WEIR, "bench", "produce", "--count", RECOVERY_GB * 10000, "--size", 100000, "--topic", "big", "--at", weir.at, timeout=300)
    weir.kill()
    for _ in range(ROUNDS):
        weir = Weir(DATA / "empty", data)
        note(step, "after kill ms", weir.ready_ms())
        run(WEIR, "bench", "produce", "--count", 2000, "--size", 100000, "--topic", "big", "--at", weir.at)
        weir.kill()


def log_tables(out, kafkas):
    per_gb = 1e9 / RECORD_BYTES / 1e9  # ns a record -> s a GB
    base = " " + shape_name(1, RECORD_BYTES)
    table(out, "Log: acks=all, librdkafka", "weir log", kafkas,
          [("one request at a time", "produce_one_in_flight", "requests/s", 1, True),
           ("its p50", "produce_one_in_flight_p50", "µs", 1, False), ("its p99", "produce_one_in_flight_p99", "µs", 1, False),
           ("the disk's own sync meanwhile, p50", "disk sync us", "µs", 1, False),
           ("CPU of the server, one request", "produce_one_in_flight_cpu", "µs", 1e-3, False),
           ("1,000 records/s, linger 0: p50", "produce_paced_p50", "µs", 1, False), ("its p99", "produce_paced_p99", "µs", 1, False),
           ("10,000 records/s to 100 partitions: p50", "produce_paced_p50 100", "µs", 1, False),
           ("memory meanwhile", "rss_mb 100", "MB", 1, False),
           ("of it its own: without program and libraries", "own_mb 100", "MB", 1, False),
           *(row for partitions, size in SHAPES for row in (
               (f"produce, {partitions} × {size} B", f"produce_acks_all {shape_name(partitions, size)}", "MB/s", size / 1e6, True),
               (f"consume, {partitions} × {size} B", f"consume {shape_name(partitions, size)}", "MB/s", size / 1e6, True))),
           ("CPU of the server, in (1 × 270 B)", "produce_cpu" + base, "s/GB", per_gb, False),
           ("CPU of the server, in, of a topic that keeps 64 MB (1 × 270 B)", "produce_cpu retained", "s/GB", per_gb, False),
           ("CPU of the server, out (1 × 270 B)", "consume_cpu" + base, "s/GB", per_gb, False),
           ("CPU of the server, in (1 × 100 KB)", "produce_cpu 1x100000", "s/GB", 1e-5, False),
           ("CPU of the server, out (1 × 100 KB)", "consume_cpu 1x100000", "s/GB", 1e-5, False),
           ("cold read, 1 GB", "consume cold", "MB/s", COLD_BYTES / 1e6, True),
           ("the disk alone meanwhile", "disk MB/s", "MB/s", 1, True),
           (f"memory {QUIET_S} s after all of it", "rss_mb", "MB", 1, False)])
    out += ["", "P × S: P partitions, values of S bytes. weir answers after fdatasync. Kafka by default answers from the page cache; \"fsync\" is "
            "`log.flush.interval.messages=1`. A record rate is the MB/s divided by the size.",
            "Commands: `weir bench produce|single|paced|consume [--size N] [--partitions N] [--brokers HOST:PORT] --pid PID`."]
    out += ["", "| starts | |", "|---|---:|",
            f"| ready after a clean stop, 1,000 partitions | {number(figure('log starts', '1000 partitions ms'))} ms |",
            f"| ready after kill -9, {RECOVERY_GB} GB of log and 1,000 partitions | {number(figure('log starts', 'after kill ms'))} ms |"]
