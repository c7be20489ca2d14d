"""Listeners with TLS and SASL: garbage, strangers and crowds are kept out at little cost."""
import random
import select
import socket
import ssl
import struct
import time

import pytest

from certificates import make_certificates
from conftest import Weir, wait_for
from raw import SEED, assert_well, half_close, kafka_answer, kafka_call, kafka_request, open_files, read_until_closed, rss_bytes, send_quietly

SETTINGS = """
kafka:
  listeners:
    plain: {listen: 127.0.0.1:0}
    sasl:  {listen: 127.0.0.1:0, security: sasl_plaintext}
    tls:   {listen: 127.0.0.1:0, security: tls}
  tls: {cert: server.pem, key: server.key}
"""
STRANGERS_MAX = 2000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secured")
    make_certificates(folder)
    (folder / "weir.yaml").write_text(SETTINGS)
    return folder


@pytest.fixture(scope="module")
def secured(folder, tmp_path_factory):
    weir = Weir(folder, tmp_path_factory.mktemp("data") / "weir")
    weir.parts = ("cql", "console", "people")
    weir.start()
    yield weir
    weir.stop()


def address(weir, name):
    host, port = weir.at["kafka_listeners"][name].rsplit(":", 1)
    return host, int(port)


def connect(weir, name):
    sock = socket.create_connection(address(weir, name), timeout=60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


@pytest.fixture
def chance(request):
    print(f"ROBUST_SEED={SEED}")
    return random.Random(f"{SEED} {request.node.name}")


def handshake(sock, mechanism, version):
    name = mechanism.encode()
    return kafka_call(sock, 17, version, struct.pack(">h", len(name)) + name)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("version", [0, 1])
def test_tokens_of_garbage_are_refused(secured, chance, mechanism, version):
    begins = [b"", b"n,,n=user,r=abc", b"n,a=x,n=user,r=abc", b"\0user\0", b"c=biws,r=abc,p=AAAA"]
    for _ in range(30):
        with connect(secured, "sasl") as sock:
            assert handshake(sock, mechanism, version)
            token = chance.choice(begins) + chance.randbytes(chance.choice((0, 1, 10, 3000)))
            if version:
                send_quietly(sock, kafka_request(36, 1, struct.pack(">i", len(token)) + token))
            else:
                send_quietly(sock, struct.pack(">i", len(token)) + token)
            half_close(sock)
            assert read_until_closed(sock) is not None
    assert_well(secured)


def test_garbage_for_tls_is_refused(secured, chance):
    for _ in range(100):
        with connect(secured, "tls") as sock:
            noise = chance.randbytes(chance.choice((1, 5, 40, 2000)))
            send_quietly(sock, chance.choice((b"", b"\x16\x03\x01\x02\x00", b"\x16\x03\x01\x00\xc8\x01")) + noise)
            half_close(sock)
            read_until_closed(sock)
    assert_well(secured)


def test_a_crowd_that_does_not_sign_in_has_bounds(secured):
    files = open_files(secured)
    crowd = [connect(secured, "sasl") for _ in range(STRANGERS_MAX)]
    wait_for(lambda: open_files(secured) >= files + STRANGERS_MAX - 8, "the crowd to be let in")
    late = [connect(secured, "sasl") for _ in range(50)]
    door = select.poll()
    for sock in crowd:
        door.register(sock, select.POLLIN)
    wait_for(lambda: len(door.poll(0)) >= 50, "those that have waited longest to be sent away")
    assert {fd for fd, _ in door.poll(0)} <= {sock.fileno() for sock in crowd[:100]}
    assert handshake(late[-1], "PLAIN", 1)
    assert_well(secured, "beside a crowd at the door")
    for sock in crowd + late:
        sock.close()
    wait_for(lambda: open_files(secured) <= files + 4, "the crowd to be let go")

    def knocks():
        with connect(secured, "sasl") as sock:
            send_quietly(sock, kafka_request(18, 0, b""))
            try:
                return kafka_answer(sock)
            except (EOFError, OSError):
                return None
    wait_for(knocks, "the door to be open again")


def test_idle_tls_connections_cost_little(secured, folder):
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    count, idle, start = 1000, [], time.monotonic()
    rss = rss_bytes(secured)
    for _ in range(count):
        sock = context.wrap_socket(connect(secured, "tls"), server_hostname="localhost")
        assert kafka_call(sock, 18, 0, b"")
        idle.append(sock)
    each = lambda: (rss_bytes(secured) - rss) / count
    print(f"tls: {count} connections in {time.monotonic() - start:.1f} s, {each():.0f} bytes each")
    assert_well(secured, f"beside {count} idle TLS connections")
    wait_for(lambda: each() < 48 * 1024, "less than 48 KB for each")
    for sock in idle:
        sock.close()


def let_in(weir):
    """A connection that has had an answer; None if it was refused."""
    sock = socket.create_connection(("127.0.0.1", weir.port_of("kafka")), timeout=60)
    send_quietly(sock, kafka_request(18, 0, b""))
    try:
        assert kafka_answer(sock)
        return sock
    except (EOFError, OSError):
        sock.close()
        return None


def is_let_in(weir):
    sock = let_in(weir)
    if sock:
        sock.close()
    return sock is not None


def fill(weir, room):
    """As many connections as there is room for. Each has had an answer, so it is counted: several threads count, and one
    that came later may be counted first. The connection that start_weir() asked by may still take a place."""
    crowd = []

    def is_full():
        sock = let_in(weir)
        if sock:
            crowd.append(sock)
        return len(crowd) == room
    wait_for(is_full, f"{room} to be let in")
    return crowd


def test_an_address_has_so_many_connections_and_no_more(start_weir, empty_project):
    weir = start_weir(empty_project, "kafka.settings={max.connections.per.ip: 5}")
    crowd = fill(weir, 5)
    assert not is_let_in(weir)
    crowd.pop().close()
    wait_for(lambda: is_let_in(weir), "another to be let in")
    for sock in crowd:
        sock.close()


def test_there_are_so_many_connections_in_all(start_weir, empty_project):
    weir = start_weir(empty_project, "kafka.settings={max.connections: 3, max.connections.per.ip.overrides: '10.0.0.1:9'}")
    crowd = fill(weir, 3)
    assert not is_let_in(weir)
    for sock in crowd:
        sock.close()
    wait_for(lambda: is_let_in(weir), "others to be let in")
