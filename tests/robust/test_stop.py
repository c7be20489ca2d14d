"""SIGTERM and SIGINT while everything is under load: exit code 0 within 5 s, nothing acknowledged lost, clean start."""
import pathlib
import signal
import struct
import subprocess
import threading

import pytest

from conftest import wait_for
from raw import (assert_well, connect, cql_call, cql_connect, cql_query, kafka_batch, kafka_call, kafka_create,
                 kafka_fetch_body, kafka_produce_body)

PROJECT = pathlib.Path(__file__).parent / "project"


class Load(threading.Thread):
    """Calls step(connection, number) until the connection breaks; counts what was acknowledged."""

    def __init__(self, connect_, step):
        super().__init__(daemon=True)
        self.connect_, self.step, self.acked = connect_, step, 0

    def run(self):
        try:
            with self.connect_() as sock:
                while self.step(sock, self.acked):
                    self.acked += 1
        except (OSError, EOFError):
            pass


def producing(value):
    batch = kafka_batch(value)

    def step(sock, _):
        return kafka_call(sock, 0, 3, kafka_produce_body("load", batch))[18:20] == b"\0\0"

    return step


def inserting(sock, number):
    return cql_call(sock, 7, cql_query(f"INSERT INTO robust.written (id, value) VALUES ({number}, 'v')"))[0] == 8


def fetching(sock, _):
    return bool(kafka_call(sock, 1, 4, kafka_fetch_body("load", 0, 30000)))


def children_of(pid):
    return subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()


def runs(pid):
    """One that nobody has waited for yet has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def count_of(weir, text):
    with cql_connect(weir) as sock:
        opcode, body = cql_call(sock, 7, cql_query(text))
        assert opcode == 8, body
        return 0 if body.endswith(b"\xff\xff\xff\xff") else struct.unpack(">q", body[-8:])[0]  # null: of no rows


def end_offset(weir):
    with connect(weir, "kafka") as sock:
        body = struct.pack(">ii", -1, 1) + struct.pack(">h", 4) + b"load" + struct.pack(">iiq", 1, 0, -1)
        return struct.unpack(">q", kafka_call(sock, 2, 1, body)[-8:])[0]


def was_whole(weir):
    """A stop that takes longer than weir allows itself (STOP_MS) is cut off before it says so."""
    return weir.log.read_text().splitlines()[-1] == "stopped"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_stop_under_load_waits_for_no_client_and_loses_nothing(start_weir, number):
    weir = start_weir(PROJECT)
    with connect(weir, "kafka") as sock:
        kafka_create(sock, "load")
    loads = [Load(lambda: connect(weir, "kafka"), producing(b"x" * 100)) for _ in range(4)]
    loads += [Load(lambda: connect(weir, "kafka"), fetching)]
    writer = Load(lambda: cql_connect(weir), inserting)
    for load in (*loads, writer):
        load.start()
    waiting = [connect(weir, "kafka"), connect(weir, "console")]
    waiting[0].sendall(b"\0\0")
    waiting[1].sendall(b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_for(lambda: min(load.acked for load in loads[:4]) > 50 and writer.acked > 50, "load")
    children = wait_for(lambda: children_of(weir.process.pid), "the task to run")
    produced = lambda: sum(load.acked for load in loads[:4])
    weir.process.send_signal(number)
    assert weir.process.wait(60) == 0, weir.log.read_text()[-2000:]
    print(f"{produced()} records, {writer.acked} rows acknowledged")
    assert was_whole(weir)
    for load in (*loads, writer):
        load.join(60)
    wait_for(lambda: not any(runs(child) for child in children), "the task's processes to end")

    weir.start()
    end = end_offset(weir)  # what was on its way when weir stopped may be there too
    assert end >= produced()
    assert count_of(weir, "SELECT count(*) FROM robust.written") >= writer.acked
    wait_for(lambda: count_of(weir, "SELECT sum(records) FROM robust.copied") >= end, "the query to go on")
    assert count_of(weir, "SELECT sum(records) FROM robust.copied") == end, "counted twice"
    assert_well(weir, "after the stop")


def test_an_idle_stop_is_whole(start_weir, empty_project):
    weir = start_weir(empty_project)
    weir.stop()
    assert was_whole(weir)
