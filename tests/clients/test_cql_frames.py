"""The frames Apache Cassandra 5.0.9 answered (tests/golden/cql/frames.txt), byte for byte."""
import socket
import struct
import threading

import pytest

from conftest import ROOT

# Our words are our own where Cassandra's speak of its inside.
WORDS_DIFFER = {"execute unknown", "unprepared after drop"}


def steps():
    lines = (ROOT / "tests/golden/cql/frames.txt").read_text().splitlines()
    return [line.split("|") for line in lines if not line.startswith("#")]


def take(sock, size):
    out = b""
    while len(out) < size:
        part = sock.recv(size - len(out))
        assert part, "the server closed the connection"
        out += part
    return out


def read_frame(sock):
    head = take(sock, 9)
    return head + take(sock, struct.unpack(">I", head[5:])[0])


@pytest.fixture
def sock(weir):
    host, port = weir.at["cql"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=60) as one:
        yield one


def test_answers_are_cassandras_byte_for_byte(sock):
    wrong = []
    for name, request, response in steps():
        sock.sendall(bytes.fromhex(request))
        got = read_frame(sock)
        want = bytes.fromhex(response)
        same = got[:13] == want[:13] if name in WORDS_DIFFER else got == want
        if not same and not (name in WORDS_DIFFER and got[9:13] == want[9:13]):
            wrong.append(f"{name}\n  Cassandra {response}\n  weir      {got.hex()}")
    assert not wrong, "\n".join(wrong)


def frame(opcode, body=b"", version=4, stream=5, flags=0):
    return struct.pack(">BBhBI", version, flags, stream, opcode, len(body)) + body


STARTUP = frame(1, bytes.fromhex("0001000b43514c5f56455253494f4e0005332e302e30"))


def error_of(answer):
    assert answer[4] == 0, answer.hex()
    code, size = struct.unpack(">IH", answer[9:15])
    return code, answer[15:15 + size].decode()


@pytest.mark.parametrize("version", [5, 6, 0x41, 0x42])
def test_other_versions_are_refused_in_a_frame_of_ours_and_the_connection_ends(sock, version):
    sock.sendall(frame(5, version=version, stream=77))
    answer = read_frame(sock)
    assert answer[0] == 0x84 and struct.unpack(">h", answer[2:4])[0] == 77
    code, text = error_of(answer)
    assert code == 0x0A
    assert text == f"Invalid or unsupported protocol version ({version}); supported versions are (3/v3, 4/v4)"
    assert sock.recv(1) == b""


def test_version_1_is_refused_too(sock):
    sock.sendall(bytes.fromhex("0100050500000000"))
    assert error_of(read_frame(sock))[0] == 0x0A
    assert sock.recv(1) == b""


def test_version_3_is_served_in_version_3(sock):
    sock.sendall(frame(1, STARTUP[9:], version=3))
    assert read_frame(sock)[:5] == bytes([0x83, 0, 0, 5, 2])
    body = struct.pack(">i", 37) + b"SELECT cluster_name FROM system.local" + struct.pack(">HB", 1, 0)
    sock.sendall(frame(7, body, version=3))
    assert read_frame(sock)[4] == 8


def test_options_is_answered_before_startup_and_queries_are_not(sock):
    sock.sendall(frame(5))
    assert read_frame(sock)[4] == 6
    sock.sendall(frame(7, b"\0\0\0\1x\0\1\0"))
    assert error_of(read_frame(sock))[0] == 0x0A


@pytest.mark.parametrize("opcode", [7, 9, 10, 13, 11, 15, 0x55])
@pytest.mark.parametrize("body", [b"", b"\xff" * 3, b"\x7f\xff\xff\xff", b"\0\1\0\5ab", b"\xff" * 40])
def test_malformed_bodies_give_a_protocol_error_and_the_connection_lives(sock, opcode, body):
    sock.sendall(STARTUP)
    read_frame(sock)
    sock.sendall(frame(opcode, body))
    code, text = error_of(read_frame(sock))
    assert code == 0x0A and text
    sock.sendall(frame(5))
    assert read_frame(sock)[4] == 6


def test_a_frame_past_the_bound_is_refused_before_it_is_read(sock):
    sock.sendall(STARTUP)
    read_frame(sock)
    sock.sendall(struct.pack(">BBhBI", 4, 0, 3, 7, 0x7FFFFFFF))
    code, text = error_of(read_frame(sock))
    assert code == 0x2200 and "too big" in text


def test_a_compressed_body_without_compression_is_refused(sock):
    sock.sendall(STARTUP)
    read_frame(sock)
    sock.sendall(frame(7, b"\0\0\0\x10abc", flags=1))
    assert error_of(read_frame(sock))[0] == 0x0A


def test_many_requests_at_once_are_all_answered(sock):
    sock.sendall(STARTUP)
    read_frame(sock)
    text = b"SELECT key FROM system.local"
    body = struct.pack(">i", len(text)) + text + struct.pack(">HB", 1, 0)
    count = 3000
    frames = b"".join(frame(7, body, stream=i) for i in range(count))
    writer = threading.Thread(target=sock.sendall, args=[frames])  # beside the reader: weir need not take in what is not fetched
    writer.start()
    streams = {struct.unpack(">h", read_frame(sock)[2:4])[0] for _ in range(count)}
    writer.join(60)
    assert streams == set(range(count))
