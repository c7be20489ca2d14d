"""Malformed, oversize, half-open and slow clients on every port: refused in the protocol's own words, and nobody else
notices. Each run draws its bytes from a seed and prints it; ROBUST_SEED=N replays."""
import random
import select
import socket
import struct
import threading
import time

import pytest

from conftest import wait_for
from raw import (CQL_STARTUP, MB, SEED, assert_soon, assert_well, connect, cql_answer, cql_call, cql_connect, cql_error, cql_frame,
                 cql_is_well, cql_query, half_close, http_exchange, http_status, kafka_answer, kafka_batch, kafka_call, kafka_create,
                 kafka_fetch_body, kafka_is_well, kafka_produce_body, kafka_request, open_files, read_exactly,
                 read_until_closed, rss_bytes, send_quietly)

PORTS = ("kafka", "cql", "console", "people")


@pytest.fixture
def chance(request):
    print(f"ROBUST_SEED={SEED}")
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture(autouse=True)
def undisturbed(weir):
    """Around each test: everyone is served, memory stays within bounds, no descriptor stays behind."""
    assert_well(weir, "before")
    rss, files = rss_bytes(weir), open_files(weir)
    yield
    assert_well(weir, "after")
    wait_for(lambda: rss_bytes(weir) - rss < 64 * MB, "what a burst took to be given back")
    wait_for(lambda: open_files(weir) <= files + 4, "the connections to be let go")


@pytest.mark.parametrize("part", PORTS)
def test_random_bytes_are_refused(weir, chance, part):
    for _ in range(60):
        with connect(weir, part) as sock:
            send_quietly(sock, chance.randbytes(chance.choice((1, 3, 4, 8, 9, 40, 500, 20000))))
            half_close(sock)
            assert read_until_closed(sock) is not None, "the connection was left open"


@pytest.mark.parametrize("length", [-1, -2147483648, 2147483647, (100 << 20) + 1, 0, 1, 7])
def test_a_kafka_frame_of_a_wrong_length_closes_the_connection(weir, length):
    with connect(weir, "kafka") as sock:
        send_quietly(sock, struct.pack(">i", length) + b"\0\3\0\1" + b"\0" * 64)
        half_close(sock)
        assert read_until_closed(sock) == b""


def test_a_kafka_request_with_garbage_in_it_is_answered_or_closes_the_connection(weir, chance):
    for key in range(-1, 76):
        for version in range(-1, 21):
            with connect(weir, "kafka") as sock:
                send_quietly(sock, kafka_request(key, version, chance.randbytes(chance.randrange(0, 80))))
                half_close(sock)
                answer = read_until_closed(sock)
                assert answer is not None, f"api {key} version {version} left the connection open"
                if answer:
                    size, correlation = struct.unpack(">ii", answer[:8])
                    assert (size, correlation) == (len(answer) - 4, 7), f"api {key} version {version}: {answer[:40]!r}"


def test_a_kafka_request_of_huge_counts_costs_no_memory(weir):
    before = rss_bytes(weir)
    for key in range(0, 76):
        for body in (struct.pack(">i", 0x7FFFFFFF) * 8, b"\xff\xff\xff\xff\x07" * 8, struct.pack(">hi", 1, 0x7FFFFFF0) * 6,
                     b"\xff\xff" + struct.pack(">hii", 1, 1000, 0x7FFFFFFF), b"\0" * 12 + b"\x7f\xff\xff\xff" * 4):
            with connect(weir, "kafka") as sock:
                for version in (0, 3, 9):
                    send_quietly(sock, kafka_request(key, version, body))
                half_close(sock)
                assert read_until_closed(sock) is not None, f"api {key}"
    wait_for(lambda: rss_bytes(weir) - before < 32 * MB, "the memory of 380 connections to be given back")


@pytest.mark.parametrize("part,start", [("kafka", kafka_request(3, 1, b"\0\0\0\1")[:-2]), ("kafka", b"\0\0"),
                                        ("cql", cql_frame(1, CQL_STARTUP)[:-3]), ("cql", b"\4\0"),
                                        ("console", b"GET /api/status HT"), ("people", b"GET /api/ HTTP/1.1\r\nHost")])
def test_a_frame_cut_off_by_the_close_leaves_nothing_behind(weir, part, start):
    for _ in range(50):
        with connect(weir, part) as sock:
            send_quietly(sock, start)


@pytest.mark.parametrize("part,start", [("kafka", struct.pack(">i", 90 << 20) + b"\0\0\0\3"), ("kafka", b"\0"),
                                        ("cql", struct.pack(">BBhBI", 4, 0, 0, 7, 60 << 20) + b"SELECT"),
                                        ("console", b"POST /api/sql HTTP/1.1\r\nContent-Length: 4000000\r\n\r\nabc"),
                                        ("people", b"GET /api/?results=")])
def test_stalled_halves_of_frames_keep_nobody_waiting(weir, part, start):
    before = rss_bytes(weir)
    stalled = [connect(weir, part) for _ in range(30)]
    for sock in stalled:
        send_quietly(sock, start)
    assert_well(weir, f"beside {len(stalled)} stalled clients of {part}")
    wait_for(lambda: rss_bytes(weir) - before < 64 * MB, "what is not the stalled clients' own to be given back")
    for sock in stalled:
        sock.close()


# --- CQL ---

@pytest.mark.parametrize("version", [0, 1, 2, 5, 6, 66, 127])
def test_a_wrong_cql_version_is_refused_in_the_words_drivers_read(weir, version):
    with connect(weir, "cql") as sock:
        send_quietly(sock, cql_frame(5, b"", version))
        answer = read_until_closed(sock)
    assert answer and answer[0] == 0x84 and answer[4] == 0, answer
    code, words = cql_error(answer[9:])
    assert code == 0x000A and words.startswith(f"Invalid or unsupported protocol version ({version})"), words


def test_a_cql_frame_larger_than_allowed_is_refused_before_it_is_read(weir):
    with cql_connect(weir) as sock:
        send_quietly(sock, struct.pack(">BBhBI", 4, 0, 9, 7, 0x7FFFFFFF) + b"x" * 1000)
        answer = read_until_closed(sock)
    assert answer[4] == 0 and b"too big" in answer, answer


def test_every_cql_opcode_with_garbage_gets_an_error_frame_or_its_answer(weir, chance):
    for started in (False, True):
        for opcode in range(0, 21):
            for _ in range(8):
                with (cql_connect(weir) if started else connect(weir, "cql")) as sock:
                    body = chance.randbytes(chance.randrange(0, 120))
                    send_quietly(sock, cql_frame(opcode, body, stream=77, flags=chance.choice((0, 0, 0, 1, 4, 8, 253))))
                    stream, answered, answer = cql_answer(sock)
                    assert stream == 77 and answered in (0, 2, 6, 8, 16), answer
                    if answered == 0:
                        code, words = cql_error(answer)
                        assert words and code in (0x000A, 0x2000, 0x2200, 0x2300, 0x2500), (opcode, hex(code), words)


def test_a_request_before_the_handshake_is_a_protocol_error(weir):
    with connect(weir, "cql") as sock:
        opcode, body = cql_call(sock, 7, cql_query("SELECT * FROM system.local"))
    assert opcode == 0 and cql_error(body)[0] == 0x000A


def test_a_cql_frame_that_unpacks_to_gigabytes_is_refused(weir):
    with connect(weir, "cql") as sock:
        assert cql_call(sock, 1, b"\0\2\0\x0bCQL_VERSION\0\x053.0.0\0\x0bCOMPRESSION\0\x03lz4")[0] == 2
        for claimed in (0x7FFFFFFF, 0xFFFFFFFF, 60 << 20):
            sock.sendall(cql_frame(7, struct.pack(">I", claimed) + b"\x1fa\1\0" + b"\xff" * 60000, flags=1))
            _, opcode, body = cql_answer(sock)
            assert opcode == 0 and cql_error(body)[0] == 0x000A, body[:80]


@pytest.mark.parametrize("text", [
    "(" * 50000, "SELECT " + "(" * 20000 + "1" + ")" * 20000 + " FROM system.local", "[" * 60000, "{" * 60000,
"'" + "x" * 500000, "/*" * 1000, "$$" + "y" * 1000,
    "INSERT INTO a.b (c) VALUES (" + "frozen<" * 20000, "CREATE TABLE x.y (a " + "list<" * 50000 + "int" + ">" * 50000 + ")",
    "SELECT CAST(" * 9000, "\0\xff\0", "SELECT -" + "-" * 100000, "SELECT * FROM system.local WHERE token(key) > " + "9" * 9999,
], ids=lambda text: text[:14].strip())
def test_hostile_cql_text_gets_an_error(weir, text):
    with cql_connect(weir) as sock:
        opcode, body = cql_call(sock, 7, cql_query(text))
        assert opcode == 0 and cql_error(body)[1], body[:80]
        opcode, body = cql_call(sock, 7, cql_query("SELECT key FROM system.local"))
        assert opcode == 8, "the connection is of use afterwards"


# --- HTTP ---

BAD_HTTP = [
    ("no version", b"GET /\r\n\r\n", (400, 505)),
    ("unknown path", b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (404,)),
    ("wrong method", b"DELETE /api/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (404, 405)),
    ("long address", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (400, 414, 431)),
    ("endless headers", b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(20000)), (400, 413, 431)),
    ("a huge header", b"GET / HTTP/1.1\r\nX: " + b"y" * 200000 + b"\r\n\r\n", (400, 413, 431)),
    ("negative length", b"POST /api/sql HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", (400, 413)),
    ("length that is no number", b"POST /api/sql HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n", (400,)),
    ("length beyond 64 bits", b"POST /api/sql HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 40 + b"\r\n\r\n", (400, 413)),
    ("bad chunk size", b"POST /api/sql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", (400,)),
    ("huge chunk size", b"POST /api/sql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\n", (400, 413)),
    ("json that is none", b"POST /api/sql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\n{{{{{", (400, 404, 405)),
    ("deep json", b"POST /api/sql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n" + b"[" * 100000,
     (400, 404, 405, 413)),
    ("zeros", b"\0" * 40000, (400, 414, 431, 501)),
]


@pytest.mark.parametrize("part", ["console", "people"])
@pytest.mark.parametrize("request_bytes,allowed", [case[1:] for case in BAD_HTTP], ids=[case[0] for case in BAD_HTTP])
def test_bad_http_gets_a_client_error(weir, part, request_bytes, allowed):
    if part == "people" and request_bytes.startswith(b"POST"):
        allowed = (*allowed, 404, 405, 413)
    answer = http_exchange(weir, part, request_bytes)
    assert answer is not None, "the connection was left open"
    status = http_status(answer)
    assert status in allowed or (not answer and allowed[0] == 400), answer[:200]


@pytest.mark.parametrize("part", ["console", "people"])
def test_an_endless_body_is_refused_and_not_kept(weir, part):
    before = rss_bytes(weir)
    with connect(weir, part) as sock:
        sock.sendall(b"POST /api/sql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        block, sent, end = b"10000\r\n" + b"x" * 65536 + b"\r\n", 0, time.monotonic() + 60
        while time.monotonic() < end and sent < 200 * MB:
            readable, writable, _ = select.select([sock], [sock], [], 1)
            if readable:
                break
            try:
                sent += sock.send(block) if writable else 0
            except OSError:
                break
        assert sent < 100 * MB, "the whole body was taken"
        answer = read_until_closed(sock)
    assert answer == b"" or http_status(answer) in (400, 404, 405, 413), answer
    wait_for(lambda: rss_bytes(weir) - before < 32 * MB, "the body to be given back")


def test_one_byte_at_a_time_delays_nobody(weir):
    slow = {"kafka": kafka_request(3, 1, b"\0\0\0\0"), "cql": cql_frame(1, CQL_STARTUP),
            "console": b"GET /api/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "people": b"GET /api/?results=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"}
    answers = {}

    def drip(part, data):
        with connect(weir, part) as sock:
            for byte in data:
                sock.sendall(bytes([byte]))
                time.sleep(0.03)  # the slowness is the input of this test
            answers[part] = sock.recv(65536)

    threads = [threading.Thread(target=drip, args=item) for item in slow.items()]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert_well(weir, "beside slow clients")
    assert sorted(answers) == sorted(slow) and all(answers.values()), "a slow client is served all the same"


# --- clients that do not read ---

def test_kafka_clients_that_fetch_and_never_read_cost_no_memory(weir):
    with connect(weir, "kafka") as sock:
        kafka_create(sock, "large")
        batch = kafka_batch(b"z" * 900000)
        for _ in range(30):
            kafka_call(sock, 0, 3, kafka_produce_body("large", batch))
    before = rss_bytes(weir)
    deaf = [connect(weir, "kafka") for _ in range(20)]
    for sock in deaf:
        send_quietly(sock, b"".join(kafka_request(1, 4, kafka_fetch_body("large", 0)) for _ in range(40)))
    assert_well(weir, "beside clients that do not read")
    wait_for(lambda: rss_bytes(weir) - before < 32 * MB, "memory to be as before beside clients that do not read")
    for sock in deaf:
        sock.close()


def test_cql_clients_that_query_and_never_read_are_bounded(weir):
    with cql_connect(weir) as sock:
        for text in ("CREATE KEYSPACE IF NOT EXISTS deaf WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
                     "CREATE TABLE IF NOT EXISTS deaf.large (id int PRIMARY KEY, value text)"):
            assert cql_call(sock, 7, cql_query(text))[0] == 8
        for number in range(20):
            assert cql_call(sock, 7, cql_query(f"INSERT INTO deaf.large (id, value) VALUES ({number}, '{'v' * 200000}')"))[0] == 8
    before = rss_bytes(weir)
    deaf = [cql_connect(weir) for _ in range(40)]
    query = cql_frame(7, cql_query("SELECT * FROM deaf.large", 5000))
    for sock in deaf:
        send_quietly(sock, query * 200)  # 800 MB of answers each
    end = time.monotonic() + 6
    while time.monotonic() < end:
        assert_soon(lambda: cql_is_well(weir), "a normal client")
        assert rss_bytes(weir) - before < 512 * MB, "more than memory: of weir.yaml allows"
        time.sleep(0.1)
    for sock in deaf:
        sock.close()
    wait_for(lambda: rss_bytes(weir) - before < 32 * MB, "the memory of their answers to be given back")


def test_http_clients_that_do_not_read_cost_little(weir):
    before = rss_bytes(weir)
    deaf = [connect(weir, "people") for _ in range(40)] + [connect(weir, "console") for _ in range(40)]
    for sock in deaf[:40]:
        send_quietly(sock, b"GET /api/?results=5000&seed=x HTTP/1.1\r\nHost: x\r\n\r\n")
    for sock in deaf[40:]:
        send_quietly(sock, b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_for(lambda: http_status(http_exchange(
        weir, "people", b"GET /api/?results=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) == 200, "people")
    assert_well(weir, "beside HTTP clients that do not read")
    assert rss_bytes(weir) - before < 400 * MB
    for sock in deaf:
        sock.close()
