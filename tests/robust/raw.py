"""Raw sockets for the tests of bad clients: frames by hand, a well-behaved client per port, the process's memory."""
import os
import random
import socket
import struct
import time

SEED = int(os.environ.get("ROBUST_SEED", str(random.randrange(1 << 30))))
MB = 1 << 20


def patience():
    """Much less than what bad clients try to hold up."""
    return max(5.0, os.getloadavg()[0] / os.cpu_count())


def assert_soon(check, what):
    """A normal client is served within patience(). A hiccup of the machine does not come back three times; what a bad client
    holds up stays so while it is there."""
    took = []
    for _ in range(3):
        took.append(check())
        if took[-1] < patience():  # asked once for each: it falls with the load
            return
    raise AssertionError(f"{what}: {took} s")


def address(weir, part):
    host, port = weir.at[part].rsplit(":", 1)
    return host, int(port)


def connect(weir, part, timeout=60.0):
    return socket.create_connection(address(weir, part), timeout=timeout)


def read_exactly(sock, size):
    data = b""
    while len(data) < size:
        part = sock.recv(min(size - len(data), MB))
        if not part:
            raise EOFError(f"closed after {len(data)} of {size} bytes")
        data += part
    return data


def read_until_closed(sock, seconds=60.0):
    """What came before the server closed; None if it had not closed after `seconds`."""
    data, end = b"", time.monotonic() + seconds
    while True:
        left = end - time.monotonic()
        if left <= 0:
            return None
        sock.settimeout(left)
        try:
            part = sock.recv(65536)
        except TimeoutError:
            return None
        except ConnectionError:
            return data
        if not part:
            return data
        data += part


def send_quietly(sock, data):
    """Sends; a server that closes in the middle is no error here."""
    try:
        sock.sendall(data)
    except OSError:
        pass


def half_close(sock):
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass


# --- Kafka ---

def kafka_text(text):
    return struct.pack(">h", len(text)) + text.encode()


def kafka_request(key, version, body, correlation=7):
    head = struct.pack(">hhi", key, version, correlation) + kafka_text("raw")
    return struct.pack(">i", len(head) + len(body)) + head + body


def kafka_answer(sock):
    size, = struct.unpack(">i", read_exactly(sock, 4))
    return read_exactly(sock, size)


def kafka_call(sock, key, version, body):
    sock.sendall(kafka_request(key, version, body, 4711))
    answer = kafka_answer(sock)
    assert struct.unpack(">i", answer[:4])[0] == 4711
    return answer[4:]


def _crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def varint(value):
    value = (value << 1) ^ (value >> 63)
    out = b""
    while value & ~0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def kafka_batch(value):
    """A record batch of one record, of now: of an old one retention would make an end."""
    now_ms = int(time.time() * 1000)
    record = b"\0\0\0" + varint(-1) + varint(len(value)) + value + b"\0"
    record = varint(len(record)) + record
    rest = struct.pack(">hiqqqhii", 0, 0, now_ms, now_ms, -1, -1, -1, 1) + record
    return struct.pack(">qiibI", 0, 9 + len(rest), -1, 2, crc32c(rest)) + rest


def kafka_produce_body(topic, batch, acks=-1):
    return (struct.pack(">hhi", -1, acks, 30000) + struct.pack(">i", 1) + kafka_text(topic) +
            struct.pack(">iii", 1, 0, len(batch)) + batch)


def kafka_fetch_body(topic, offset, wait_ms=0, max_bytes=50 * MB):
    return (struct.pack(">iiiib", -1, wait_ms, 1, max_bytes, 0) + struct.pack(">i", 1) + kafka_text(topic) +
            struct.pack(">iiqi", 1, 0, offset, max_bytes))


def kafka_create(sock, topic):
    body = struct.pack(">i", 1) + kafka_text(topic) + struct.pack(">ihiiib", 1, 1, 0, 0, 10000, 0)
    kafka_call(sock, 19, 2, body)


def kafka_is_well(weir):
    """A normal client: produces a record, reads it back, both right. How long that took."""
    start = time.monotonic()
    with connect(weir, "kafka") as sock:
        apis = kafka_call(sock, 18, 0, b"")
        assert struct.unpack(">h", apis[:2])[0] == 0 and struct.unpack(">i", apis[2:6])[0] > 20
        kafka_create(sock, "well")
        value = b"value %d" % time.monotonic_ns()
        answer = kafka_call(sock, 0, 3, kafka_produce_body("well", kafka_batch(value)))
        _, code, offset = struct.unpack(">ihq", answer[14:28])  # after 1 topic, "well", 1 partition
        assert code == 0, f"produce answered {code}"
        assert value in kafka_call(sock, 1, 4, kafka_fetch_body("well", offset))
    return time.monotonic() - start


# --- CQL ---

CQL_STARTUP = b"\0\1\0\x0bCQL_VERSION\0\x053.0.0"


def cql_frame(opcode, body, version=4, stream=5, flags=0):
    return struct.pack(">BBhBI", version, flags, stream, opcode, len(body)) + body


def cql_query(text, page_size=None):
    body = struct.pack(">I", len(text)) + text.encode() + struct.pack(">H", 1)
    return body + (b"\0" if page_size is None else b"\4" + struct.pack(">i", page_size))


def cql_answer(sock):
    head = read_exactly(sock, 9)
    _, _, stream, opcode, size = struct.unpack(">BBhBI", head)
    return stream, opcode, read_exactly(sock, size)


def cql_call(sock, opcode, body):
    sock.sendall(cql_frame(opcode, body))
    _, answered, answer = cql_answer(sock)
    return answered, answer


def cql_connect(weir, timeout=60.0):
    sock = connect(weir, "cql", timeout)
    assert cql_call(sock, 1, CQL_STARTUP)[0] == 2
    return sock


def cql_error(body):
    """(code, words) of an ERROR body."""
    code, size = struct.unpack(">IH", body[:6])
    return code, body[6:6 + size].decode()


def cql_is_well(weir):
    start = time.monotonic()
    with cql_connect(weir) as sock:
        opcode, body = cql_call(sock, 7, cql_query("SELECT cluster_name FROM system.local"))
        assert opcode == 8 and body[:4] == b"\0\0\0\2", body
    return time.monotonic() - start


# --- HTTP ---

def http_exchange(weir, part, request, seconds=60.0):
    with connect(weir, part) as sock:
        send_quietly(sock, request)
        return read_until_closed(sock, seconds)


def http_status(answer):
    return int(answer.split(b" ", 2)[1]) if answer and answer.startswith(b"HTTP/1.") else None


def http_is_well(weir, part):
    path = {"console": "/api/status", "people": "/api/?results=1&seed=a"}[part]
    start = time.monotonic()
    answer = http_exchange(weir, part, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert http_status(answer) == 200, answer
    assert {"console": b'"kafka"', "people": b'"results"'}[part] in answer
    return time.monotonic() - start


# --- the process ---

def rss_bytes(weir):
    for line in open(f"/proc/{weir.process.pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def open_files(weir):
    return len(os.listdir(f"/proc/{weir.process.pid}/fd"))


def assert_well(weir, what=""):
    """The process lives, and a normal client of every port gets right answers soon."""
    assert weir.process.poll() is None, f"weir died {what}:\n{weir.log.read_text()[-800:]}"
    for name, check in (("kafka", kafka_is_well), ("cql", cql_is_well),
                        ("console", lambda w: http_is_well(w, "console")),
                        ("people", lambda w: http_is_well(w, "people"))):
        assert_soon(lambda: check(weir), f"{name} {what}")
