"""Thousands of idle connections: little memory each, nobody disturbed, all let go at the end."""
import os
import resource
import socket
import time

import pytest

from conftest import wait_for
from raw import address, assert_well, cql_frame, CQL_STARTUP, kafka_call, open_files, read_exactly, rss_bytes


def allowed(wanted):
    """How many of the wanted connections this process and weir may hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(wanted, hard - 500)


@pytest.mark.parametrize("part,wanted,hello", [("kafka", 10000, b""), ("cql", 2000, cql_frame(1, CQL_STARTUP)),
                                               ("console", 1000, b"")])
def test_idle_connections_cost_little_and_disturb_nobody(start_weir, empty_project, part, wanted, hello):
    weir = start_weir(empty_project)
    assert_well(weir)
    count = allowed(wanted)
    rss, files = rss_bytes(weir), open_files(weir)
    idle = []
    start = time.monotonic()
    host, port = address(weir, part)
    for number in range(count):
        # A loopback address has about 28,000 ports to one place: the clients come from several.
        sock = socket.create_connection((host, port), timeout=60, source_address=(f"127.0.0.{2 + number % 4}", 0))
        if hello:
            sock.sendall(hello)
        idle.append(sock)
    wait_for(lambda: open_files(weir) >= files + count - 8, f"{count} connections to be accepted")
    if hello:
        for sock in idle:
            assert read_exactly(sock, 9)[4] == 2
    each = lambda: (rss_bytes(weir) - rss) / count
    print(f"{part}: {count} connections in {time.monotonic() - start:.1f} s, {each():.0f} bytes each")
    assert_well(weir, f"beside {count} idle connections")
    wait_for(lambda: each() < 8192, "less than 8 KB for each")
    if part == "kafka":
        idle[count // 2].settimeout(60)
        assert kafka_call(idle[count // 2], 18, 0, b""), "an idle connection is of use later"
    for sock in idle:
        sock.close()
    wait_for(lambda: open_files(weir) <= files + 4, "all connections to be let go")
    assert_well(weir, "afterwards")


def cpu_seconds(weir):
    fields = open(f"/proc/{weir.process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_more_connections_than_descriptors_wait_their_turn_without_spinning(start_weir, empty_project):
    weir = start_weir(empty_project)
    assert_well(weir)
    files = open_files(weir)
    resource.prlimit(weir.process.pid, resource.RLIMIT_NOFILE, (files + 100, files + 100))
    crowd = [socket.create_connection(address(weir, "kafka"), timeout=60) for _ in range(200)]
    wait_for(lambda: open_files(weir) >= files + 95, "the descriptors to run out")

    def rests():
        before = cpu_seconds(weir)
        time.sleep(1.0)  # a second of real time, to see how much of it is burnt
        return cpu_seconds(weir) - before < 0.3
    wait_for(rests, "a second without spinning")  # one of the first may be still busy with the crowd
    for sock in crowd:
        sock.close()
    wait_for(lambda: open_files(weir) <= files + 4, "the crowd to be let go")
    assert_well(weir, "after the crowd")
