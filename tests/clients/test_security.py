"""TLS, SASL, users, ACLs, quotas and listeners, with unmodified clients."""
import datetime
import os
import shutil
import socket
import struct
import subprocess
import time
import uuid

import confluent_kafka
import kafka as kafka_python
import pytest
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient, NewTopic,
                                   ResourcePatternType, ResourceType, ScramCredentialInfo, ScramMechanism,
                                   UserScramCredentialDeletion, UserScramCredentialUpsertion)

from conftest import wait_for
from test_java import NEW, Jvm

PATIENCE = 60
PASSWORDS = {"ADMIN_PASSWORD": "admin-secret", "ALICE_PASSWORD": "alice-secret", "BOB_PASSWORD": "bob-secret"}
SETTINGS = """
kafka:
  listeners:
    plain:    {listen: 127.0.0.1:0}
    sasl:     {listen: 127.0.0.1:0, security: sasl_plaintext}
    sasl_tls: {listen: 127.0.0.1:0, security: sasl_tls}
    tls:      {listen: 127.0.0.1:0, security: tls, advertised: localhost:0}
  tls: {cert: server.pem, key: server.key, ca: ca.pem, client_auth: requested}
  users:
    - {name: admin, password_env: ADMIN_PASSWORD}
    - {name: alice, password_env: ALICE_PASSWORD}
    - {name: bob, password_env: BOB_PASSWORD}
  super_users: User:admin;User:CN=ops,O=weir
"""


def openssl(folder, *words, text=None):
    done = subprocess.run(["openssl", *words], cwd=folder, input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def make_certificates(folder):
    """ca.pem, and certificates it issued: server, app, ops; stranger is its own."""
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=test-ca")
    for name in ("server", "app", "ops"):
        openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", f"/O=weir/CN={name}")
        (folder / "san.txt").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", f"{name}.pem", "-days", "2", "-extfile", "san.txt")
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "stranger.key", "-out", "stranger.pem",
            "-days", "2", "-subj", "/O=weir/CN=ops")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("security")
    make_certificates(folder)
    (folder / "weir.yaml").write_text(SETTINGS)
    return folder


@pytest.fixture(scope="module")
def start(project, tmp_path_factory):
    """start(*settings) -> a running weir of this project; its listeners are in .listeners."""
    running = []

    def begin(*sets, data=None):
        weir = Secured(project, data or tmp_path_factory.mktemp("data") / "weir", *sets)
        running.append(weir)
        return weir.start()

    yield begin
    for weir in running:
        weir.stop()


class Secured:
    """A weir whose Kafka listeners are its project's."""

    def __init__(self, project, data_dir, *sets):
        from conftest import Weir
        os.environ.update(PASSWORDS)
        self.weir = Weir(project, data_dir, *sets)
        self.weir.parts = ("cql", "console", "people")
        self.folder = project

    def start(self):
        self.weir.start()
        self.listeners = self.weir.at["kafka_listeners"]
        return self

    def stop(self):
        self.weir.stop()

    def sasl(self, user, password, mechanism="SCRAM-SHA-256", tls=False, **more):
        name = "sasl_tls" if tls else "sasl"
        config = {"bootstrap.servers": self.listeners[name], "security.protocol": "SASL_SSL" if tls else "SASL_PLAINTEXT",
                  "sasl.mechanism": mechanism, "sasl.username": user, "sasl.password": password}
        if tls:
            config["ssl.ca.location"] = str(self.folder / "ca.pem")
        return {**config, **more}

    def tls(self, name=None, **more):
        config = {"bootstrap.servers": self.listeners["tls"], "security.protocol": "SSL",
                  "ssl.ca.location": str(self.folder / "ca.pem")}
        if name:
            config["ssl.certificate.location"] = str(self.folder / f"{name}.pem")
            config["ssl.key.location"] = str(self.folder / f"{name}.key")
        return {**config, **more}

    def plain(self, **more):
        return {"bootstrap.servers": self.listeners["plain"], **more}


def fresh(word):
    return f"{word}-{uuid.uuid4().hex[:8]}"


def metadata(config):
    return AdminClient(config).list_topics(timeout=PATIENCE)


def refused(config, code, seconds=20):
    """Waits for this error of the client."""
    seen = []
    consumer = confluent_kafka.Consumer({**config, "group.id": "none", "error_cb": seen.append})
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            consumer.poll(0.1)
            if any(error.code() == code for error in seen):
                return [error.str() for error in seen if error.code() == code][0]
    finally:
        consumer.close()
    raise AssertionError(f"expected {code}, saw {[(error.code(), error.str()) for error in seen]}")


def round_trip(config, topic, count=100, size=100, group=None):
    producer = confluent_kafka.Producer({**config, "enable.idempotence": True})
    values = [os.urandom(size) for _ in range(count)]
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(PATIENCE) == 0
    consumer = confluent_kafka.Consumer({**config, "group.id": group or fresh("group"), "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    read = []
    end = time.monotonic() + PATIENCE
    while len(read) < count and time.monotonic() < end:
        message = consumer.poll(0.5)
        if message and not message.error():
            read.append(message.value())
    consumer.commit(asynchronous=False)
    consumer.close()
    assert read == values


@pytest.fixture(scope="module")
def open_weir(start):
    """Without an authorizer."""
    return start()


# --- signing in --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_confluent_kafka_signs_in(open_weir, mechanism, tls):
    round_trip(open_weir.sasl("alice", "alice-secret", mechanism, tls), fresh("topic"))


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("user, password", [("alice", "wrong"), ("nobody", "alice-secret")])
def test_wrong_credentials_are_refused(open_weir, mechanism, user, password):
    refused(open_weir.sasl(user, password, mechanism), confluent_kafka.KafkaError._AUTHENTICATION)


def test_an_unknown_mechanism_is_refused_with_those_there_are(open_weir):
    host, port = open_weir.listeners["sasl"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as sock:
        body = struct.pack(">hhih4sh6s", 17, 1, 7, 4, b"test", 6, b"GSSAPI")
        sock.sendall(struct.pack(">i", len(body)) + body)
        answer = receive(sock)
        assert struct.unpack(">ih", answer[:6]) == (7, 33)
        assert b"SCRAM-SHA-512" in answer and b"PLAIN" in answer
        assert sock.recv(1) == b""


def receive(sock):
    def exactly(size):
        data = b""
        while len(data) < size:
            part = sock.recv(size - len(data))
            assert part, "closed"
            data += part
        return data
    return exactly(struct.unpack(">i", exactly(4))[0])


def test_nothing_is_answered_before_signing_in(open_weir):
    host, port = open_weir.listeners["sasl"].rsplit(":", 1)
    requests = [struct.pack(">hhih4si", 3, 1, 7, 4, b"test", -1), struct.pack(">hhih4si3s", 36, 1, 7, 4, b"test", 3, b"\0a\0")]
    for body in requests:
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as sock:
            sock.sendall(struct.pack(">i", len(body)) + body)
            assert sock.recv(1) == b""
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as sock:
        sock.sendall(struct.pack(">i", 600_000))
        assert sock.recv(1) == b""


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_kafka_python_signs_in(open_weir, mechanism):
    topic = fresh("topic")
    config = {"bootstrap_servers": open_weir.listeners["sasl_tls"], "security_protocol": "SASL_SSL",
              "sasl_mechanism": mechanism, "sasl_plain_username": "bob", "sasl_plain_password": "bob-secret",
              "ssl_cafile": str(open_weir.folder / "ca.pem")}
    producer = kafka_python.KafkaProducer(**config)
    producer.send(topic, b"value").get(PATIENCE)
    producer.close()
    consumer = kafka_python.KafkaConsumer(topic, auto_offset_reset="earliest", consumer_timeout_ms=PATIENCE * 1000, **config)
    assert next(consumer).value == b"value"
    consumer.close()
