"""memory: 64MB holds: many large requests at once are delayed or answered, never kept all in memory."""
import struct
import threading

import pytest

from raw import (MB, assert_well, connect, cql_call, cql_connect, cql_query, kafka_batch, kafka_call, kafka_text,
                 rss_bytes)

CLIENTS = 64
RETRY = (7, 56, 89)  # timed out, storage error, throttled: clients try again
TOO_LARGE = 10
PATIENCE_S = 300  # for hundreds of megabytes in all, one after the other


def create(sock, topic, partitions):
    kafka_call(sock, 19, 2, struct.pack(">i", 1) + kafka_text(topic) + struct.pack(">ihiiib", partitions, 1, 0, 0, 10000, 0))


def produce_body(topic, batches):
    body = struct.pack(">hhii", -1, -1, 60000, 1) + kafka_text(topic) + struct.pack(">i", len(batches))
    return body + b"".join(struct.pack(">ii", index, len(batch)) + batch for index, batch in enumerate(batches))


def codes_of(answer, topic):
    """The error codes of a Produce v3 answer with one topic."""
    at = 4 + 2 + len(topic)
    count, = struct.unpack(">i", answer[at:at + 4])
    return [struct.unpack(">ih", answer[at + 4 + 22 * n:at + 10 + 22 * n])[1] for n in range(count)]


def at_once(jobs):
    """Runs all jobs in parallel; what each returned or raised."""
    results = [None] * len(jobs)

    def run(number, job):
        try:
            results[number] = job()
        except Exception as error:  # told by the caller
            results[number] = error

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(jobs)]
    for thread in threads:
        thread.start()
    return threads, results


def watch(weir, threads, limit):
    """Waits for the threads; the highest RSS meanwhile."""
    highest = 0
    for thread in threads:
        while thread.is_alive():
            thread.join(0.02)
            assert weir.process.poll() is None, f"weir died:\n{weir.log.read_text()[-1000:]}"
            highest = max(highest, rss_bytes(weir))
            assert highest < limit, f"RSS {highest / MB:.0f} MB"
    return highest


@pytest.mark.parametrize("parts,value_bytes,expected", [(11, 950000, (0, *RETRY)), (1, 10 * MB, (TOO_LARGE, *RETRY))],
                         ids=["batches allowed", "batches too large"])
def test_64_produce_requests_of_10_megabytes_at_once_stay_within_bounds(start_weir, empty_project, parts, value_bytes,
                                                                        expected):
    weir = start_weir(empty_project, "memory=64MB")
    with connect(weir, "kafka") as sock:
        create(sock, "wide", 12)
    batch = kafka_batch(b"m" * value_bytes)
    body = produce_body("wide", [batch] * parts)

    def produce():
        with connect(weir, "kafka", PATIENCE_S) as sock:
            return codes_of(kafka_call(sock, 0, 3, body), "wide")

    threads, results = at_once([produce] * CLIENTS)
    highest = watch(weir, threads, 250 * MB)
    print(f"highest RSS {highest / MB:.0f} MB")
    for result in results:
        assert isinstance(result, list) and len(result) == parts, repr(result)
        assert set(result) <= set(expected), result
    assert_well(weir, "after large requests")


def test_many_large_cql_writes_at_once_stay_within_bounds(start_weir, empty_project):
    weir = start_weir(empty_project, "memory=64MB")
    with cql_connect(weir) as sock:
        for text in ("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
                     "CREATE TABLE k.wide (id int PRIMARY KEY, value text)"):
            assert cql_call(sock, 7, cql_query(text))[0] == 8

    def insert(number):
        with cql_connect(weir, PATIENCE_S) as sock:
            return cql_call(sock, 7, cql_query(f"INSERT INTO k.wide (id, value) VALUES ({number}, '{'w' * (8 * MB)}')"))[0]

    threads, results = at_once([lambda number=number: insert(number) for number in range(16)])
    highest = watch(weir, threads, 250 * MB)
    print(f"highest RSS {highest / MB:.0f} MB")
    assert set(results) <= {0, 8}, results
    assert_well(weir, "after large writes")
