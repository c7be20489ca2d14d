"""TLS, SASL, users, ACLs, quotas and listeners, with unmodified clients."""
import os
import shutil
import socket
import ssl
import struct
import subprocess
import time
import uuid

import confluent_kafka
import kafka as kafka_python
import pytest
from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, AdminClient, NewTopic,
                                   ResourcePatternType, ResourceType, ScramCredentialInfo, ScramMechanism,
                                   UserScramCredentialDeletion, UserScramCredentialUpsertion)

from certificates import make_certificates
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


def refused(config, code, seconds=PATIENCE):
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
    consumer = confluent_kafka.Consumer({**config, "group.id": group or fresh("group"), "auto.offset.reset": "earliest",
                                         "enable.auto.commit": False})  # commit() refuses when nothing is left to commit
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
              "ssl_cafile": str(open_weir.folder / "ca.pem"), "api_version_auto_timeout_ms": PATIENCE * 1000}
    producer = kafka_python.KafkaProducer(**config)
    producer.send(topic, b"value").get(PATIENCE)
    producer.close()
    consumer = kafka_python.KafkaConsumer(topic, auto_offset_reset="earliest", consumer_timeout_ms=PATIENCE * 1000, **config)
    assert next(consumer).value == b"value"
    consumer.close()


# --- TLS ---------------------------------------------------------------------------------------------------------------


def test_tls_carries_everything(open_weir):
    round_trip(open_weir.tls(), fresh("topic"), count=200, size=100_000)


def test_a_certificate_is_a_name(start):
    weir = start("kafka.authorizer=on")
    topic = fresh("topic")
    admin = AdminClient(weir.tls("ops"))
    admin.create_topics([NewTopic(topic, 1)])[topic].result(PATIENCE)
    assert topic in metadata(weir.tls("ops")).topics
    assert topic not in metadata(weir.tls("app")).topics
    assert topic not in metadata(weir.tls()).topics
    allow(admin, ResourceType.TOPIC, topic, "User:CN=app,O=weir", AclOperation.ALL)
    allow(admin, ResourceType.GROUP, "*", "User:CN=app,O=weir", AclOperation.ALL)
    round_trip(weir.tls("app"), topic)
    assert topic not in metadata(weir.tls("stranger")).topics  # librdkafka does not show it: nobody here trusts its issuer
    context = ssl.create_default_context(cafile=str(weir.folder / "ca.pem"))
    context.load_cert_chain(weir.folder / "stranger.pem", weir.folder / "stranger.key")
    host, port = weir.listeners["tls"].rsplit(":", 1)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with context.wrap_socket(socket.create_connection((host, int(port)), timeout=PATIENCE), server_hostname="localhost") as sock:
            sock.sendall(b"\0\0\0\0")
            sock.recv(1)


def test_a_new_certificate_is_used_when_told_so(project, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    weir = Secured(folder, tmp_path / "data").start()
    try:
        metadata(weir.tls())
        for name in ("server.pem", "server.key"):
            (folder / name).write_text((folder / name.replace("server", "stranger")).read_text())
        weir.weir.process.send_signal(1)  # SIGHUP
        wait_for(lambda: "read the certificate again" in weir.weir.log.read_text(), "the certificate to be read")
        refused(weir.tls(), confluent_kafka.KafkaError._SSL)
        trusting = {**weir.tls(), "ssl.ca.location": str(folder / "stranger.pem"),
                    "ssl.endpoint.identification.algorithm": "none"}
        metadata(trusting)
    finally:
        weir.stop()


# --- listeners ---------------------------------------------------------------------------------------------------------


def test_each_listener_tells_its_own_address(open_weir):
    """What a client is told to connect to is the listener it came through."""
    for config in (open_weir.plain(), open_weir.tls(), open_weir.sasl("alice", "alice-secret")):
        brokers = metadata(config).brokers
        told = f"{brokers[1].host}:{brokers[1].port}"
        at = config["bootstrap.servers"]
        assert told.rsplit(":", 1)[1] == at.rsplit(":", 1)[1]
    assert metadata(open_weir.tls()).brokers[1].host == "localhost"
    assert metadata(open_weir.plain()).brokers[1].host == "127.0.0.1"


def test_listening_for_others_without_signing_in_must_be_said(tmp_path):
    from conftest import WEIR
    def check(text):
        (tmp_path / "weir.yaml").write_text(text)
        done = subprocess.run([str(WEIR), "check", str(tmp_path)], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout
    code, said = check("kafka:\n  listen: 0.0.0.0:9092\n")
    assert code == 1 and "weir.yaml:2:11:" in said and "kafka.allow_anonymous: true" in said
    assert check("kafka:\n  listen: 0.0.0.0:9092\n  allow_anonymous: true\n")[0] == 0
    assert check("kafka:\n  listen: 0.0.0.0:9092\n  security: sasl_plaintext\n")[0] == 0
    code, said = check("kafka:\n  listeners:\n    a: {listen: 0.0.0.0:1, security: tls}\n")
    assert code == 1 and "weir.yaml:3:17:" in said and "needs a certificate" in said


# --- users -------------------------------------------------------------------------------------------------------------


def test_users_are_managed_by_the_admin_api_and_kept(start, tmp_path_factory):
    data = tmp_path_factory.mktemp("data") / "weir"
    weir = start(data=data)
    admin = AdminClient(weir.sasl("admin", "admin-secret"))
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 8192)
    alterations = [UserScramCredentialUpsertion("carol", info, b"carol-secret")]
    admin.alter_user_scram_credentials(alterations)["carol"].result(PATIENCE)
    metadata(weir.sasl("carol", "carol-secret", "SCRAM-SHA-512"))
    metadata(weir.sasl("carol", "carol-secret", "PLAIN"))
    described = admin.describe_user_scram_credentials(["carol"])["carol"].result(PATIENCE)
    assert [(one.mechanism, one.iterations) for one in described.scram_credential_infos] == [(ScramMechanism.SCRAM_SHA_512, 8192)]
    weir.weir.kill()
    weir.start()
    metadata(weir.sasl("carol", "carol-secret", "SCRAM-SHA-512"))
    admin = AdminClient(weir.sasl("admin", "admin-secret"))
    gone = [UserScramCredentialDeletion("carol", ScramMechanism.SCRAM_SHA_512)]
    admin.alter_user_scram_credentials(gone)["carol"].result(PATIENCE)
    refused(weir.sasl("carol", "carol-secret", "SCRAM-SHA-512"), confluent_kafka.KafkaError._AUTHENTICATION)


def tool(project, *words, text=None, **environment):
    from conftest import ROOT, WEIR
    return subprocess.run([str(WEIR), *words, "--dir", str(project)], input=text, capture_output=True, text=True, timeout=60, cwd=ROOT,
                          env={**os.environ, **environment})


def test_the_first_user_is_made_before_the_first_start(tmp_path):
    (tmp_path / "weir.yaml").write_text("kafka: {listeners: {sasl: {listen: '127.0.0.1:0', security: sasl_plaintext}}}\n")
    assert tool(tmp_path, "users", "create", "dora", text="dora-secret\n").returncode == 0
    weir = Secured(tmp_path, tmp_path / ".weir")
    weir.weir.parts = ("cql", "console", "people")
    weir.weir.start()
    try:
        weir.listeners = {"sasl": weir.weir.at["kafka"]}
        for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            metadata(weir.sasl("dora", "dora-secret", mechanism))
        done = tool(tmp_path, "users", "create", "emil", "--password-env", "EMIL", EMIL="emil-secret")  # while it runs
        assert done.returncode == 0, done.stderr
        metadata(weir.sasl("emil", "emil-secret"))
        assert '"emil"' in tool(tmp_path, "users", "list", "--json").stdout
        assert tool(tmp_path, "users", "delete", "emil").returncode == 0
        assert "emil" not in tool(tmp_path, "users").stdout
        done = tool(tmp_path, "users", "delete", "emil")
        assert done.returncode == 1 and "does not exist" in done.stderr
    finally:
        weir.stop()


# --- ACLs --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(start):
    return start("kafka.authorizer=on")


def allow(admin, kind, name, who, operation, pattern=ResourcePatternType.LITERAL, permission=AclPermissionType.ALLOW):
    rule = AclBinding(kind, name, pattern, who, "*", operation, permission)
    admin.create_acls([rule])[rule].result(PATIENCE)


def refusal(call):
    with pytest.raises(confluent_kafka.KafkaException) as caught:
        call()
    return caught.value.args[0].code()


def test_a_client_does_what_acls_allow(guarded):
    admin = AdminClient(guarded.sasl("admin", "admin-secret"))
    alice = guarded.sasl("alice", "alice-secret")
    topic, group = fresh("topic"), fresh("group")
    admin.create_topics([NewTopic(topic, 2)])[topic].result(PATIENCE)
    assert topic not in metadata(alice).topics
    error = AdminClient(alice).list_topics(topic, timeout=PATIENCE).topics[topic].error
    assert error.code() == confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED
    other = fresh("other")
    client = AdminClient(alice)
    create = client.create_topics([NewTopic(other, 1)])[other]
    assert refusal(lambda: create.result(PATIENCE)) == confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED
    delete = client.delete_topics([topic])[topic]
    assert refusal(lambda: delete.result(PATIENCE)) == confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert refusal(lambda: allow(client, ResourceType.TOPIC, topic, "User:alice", AclOperation.ALL)) == \
        confluent_kafka.KafkaError.CLUSTER_AUTHORIZATION_FAILED
    allow(admin, ResourceType.TOPIC, "topic-", "User:alice", AclOperation.READ, ResourcePatternType.PREFIXED)
    allow(admin, ResourceType.TOPIC, topic, "User:alice", AclOperation.WRITE)
    consumer = confluent_kafka.Consumer({**alice, "group.id": group})
    consumer.subscribe([topic])
    message = wait_for(lambda: consumer.poll(0.2), "the group to be refused", PATIENCE)
    assert message.error().code() == confluent_kafka.KafkaError.GROUP_AUTHORIZATION_FAILED
    consumer.close()
    allow(admin, ResourceType.GROUP, group, "User:alice", AclOperation.READ)
    producer = confluent_kafka.Producer({**alice, "enable.idempotence": True})
    for i in range(20):
        producer.produce(topic, b"%d" % i)
    assert producer.flush(PATIENCE) == 0
    consumer = confluent_kafka.Consumer({**alice, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    read = set()
    wait_for(lambda: (lambda m: m and not m.error() and read.add(m.value()))(consumer.poll(0.2)) or len(read) == 20, "records", PATIENCE)
    consumer.close()
    allow(admin, ResourceType.TOPIC, topic, "User:alice", AclOperation.WRITE, permission=AclPermissionType.DENY)
    failed = []
    producer.produce(topic, b"late", on_delivery=lambda error, _: failed.append(error.code()))
    producer.flush(PATIENCE)
    assert failed == [confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED]


def test_a_pattern_finds_only_topics_its_member_may_describe(guarded):
    admin = AdminClient(guarded.sasl("admin", "admin-secret"))
    word, group = fresh("pattern"), fresh("group")
    allow(admin, ResourceType.GROUP, group, "User:alice", AclOperation.READ)
    for name in ("a", "c"):
        allow(admin, ResourceType.TOPIC, f"{word}-{name}", "User:alice", AclOperation.READ)

    def make(*names):
        for future in admin.create_topics([NewTopic(f"{word}-{name}", 1) for name in names]).values():
            future.result(PATIENCE)

    def assigned():  # as the broker sees it
        consumer.poll(0.1)
        members = admin.describe_consumer_groups([group])[group].result(PATIENCE).members
        return {place.topic[len(word) + 1:] for member in members for place in member.assignment.topic_partitions}

    make("a", "b")
    consumer = confluent_kafka.Consumer(guarded.sasl("alice", "alice-secret", **{"group.id": group, "group.protocol": "consumer"}))
    consumer.subscribe([f"^{word}-.*"])
    wait_for(lambda: assigned() == {"a"}, "the topic it may see", PATIENCE)
    make("c", "d")
    wait_for(lambda: assigned() == {"a", "c"}, "the new topic it may see", PATIENCE)
    consumer.close()


def test_acls_are_kept_and_listed_by_the_command_line(start, project, tmp_path_factory):
    folder = tmp_path_factory.mktemp("acls")
    shutil.copytree(project, folder, dirs_exist_ok=True)
    weir = Secured(folder, folder / ".weir", "kafka.authorizer=on").start()
    try:
        words = ("--principal", "User:bob", "--operation", "read,describe-configs", "--topic", "logs", "--prefix")
        assert tool(folder, "acls", "add", *words).stdout == "added 2\n"
        weir.weir.kill()
        weir.start()
        listed = tool(folder, "acls", "list", "--json").stdout
        assert '"DESCRIBE_CONFIGS"' in listed and '"PREFIXED"' in listed
        assert tool(folder, "acls", "remove", *words).stdout == "removed 2\n"
        assert tool(folder, "acls", "list").stdout == "(none)\n"
        assert tool(folder, "acls", "remove", *words).returncode == 1
    finally:
        weir.stop()


def test_without_an_authorizer_there_are_no_acls(open_weir):
    client = AdminClient(open_weir.plain())
    assert refusal(lambda: allow(client, ResourceType.TOPIC, "t", "User:alice", AclOperation.ALL)) == \
        confluent_kafka.KafkaError.SECURITY_DISABLED


# --- quotas ------------------------------------------------------------------------------------------------------------


def throttled(stats, topic):
    import json
    return max(broker["throttle"]["max"] for broker in json.loads(stats)["brokers"].values())


def test_producers_and_consumers_are_held_to_their_quota(guarded, jvm):
    """100 KB a second over Kafka's ten seconds: 2 MB take about ten seconds more, and clients learn why."""
    admin_file = client_file(guarded, "admin", "admin-secret")
    admin = AdminClient(guarded.sasl("admin", "admin-secret"))
    topic = fresh("topic")
    admin.create_topics([NewTopic(topic, 1)])[topic].result(PATIENCE)
    allow(admin, ResourceType.TOPIC, topic, "User:bob", AclOperation.ALL)
    allow(admin, ResourceType.GROUP, "*", "User:bob", AclOperation.ALL)
    jvm("kafka.admin.ConfigCommand", "--bootstrap-server", guarded.listeners["sasl"], "--command-config", admin_file, "--alter",
        "--add-config", "producer_byte_rate=100000,consumer_byte_rate=200000", "--entity-type", "users", "--entity-name", "bob")
    said = jvm("kafka.admin.ConfigCommand", "--bootstrap-server", guarded.listeners["sasl"], "--command-config", admin_file, "--describe",
               "--entity-type", "users", "--entity-name", "bob")
    assert "producer_byte_rate=100000.0" in said and "consumer_byte_rate=200000.0" in said, said
    throttles = []
    bob = guarded.sasl("bob", "bob-secret", **{"throttle_cb": lambda event: throttles.append(event.throttle_time)})
    producer = confluent_kafka.Producer({**bob, "batch.size": 50000, "linger.ms": 5})
    began = time.monotonic()
    for _ in range(40):
        producer.produce(topic, os.urandom(50000))
    assert producer.flush(PATIENCE) == 0
    took = time.monotonic() - began
    assert took > 6, f"2 MB at 100 KB/s took {took:.1f} s"
    producer.poll(0)
    assert throttles and max(throttles) > 0
    throttles.clear()
    consumer = confluent_kafka.Consumer({**bob, "group.id": fresh("group"), "auto.offset.reset": "earliest",
                                         "fetch.message.max.bytes": 300000, "max.partition.fetch.bytes": 300000})
    consumer.subscribe([topic])
    read = 0
    end = time.monotonic() + PATIENCE
    while read < 40 and time.monotonic() < end:
        message = consumer.poll(0.2)
        read += bool(message and not message.error())
    consumer.close()
    assert read == 40
    jvm("kafka.admin.ConfigCommand", "--bootstrap-server", guarded.listeners["sasl"], "--command-config", admin_file, "--alter",
        "--delete-config", "producer_byte_rate,consumer_byte_rate", "--entity-type", "users", "--entity-name", "bob")


# --- Kafka's own tools -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def jvm():
    running = Jvm("4.3")
    yield running
    running.stop()


def client_file(weir, user, password, mechanism="SCRAM-SHA-256"):
    path = weir.folder / f"{user}-{mechanism}.properties"
    module = "plain.PlainLoginModule" if mechanism == "PLAIN" else "scram.ScramLoginModule"
    path.write_text(f"security.protocol=SASL_PLAINTEXT\nsasl.mechanism={mechanism}\n"
                    f"sasl.jaas.config=org.apache.kafka.common.security.{module} required "
                    f'username="{user}" password="{password}";\n')
    return str(path)


def test_kafka_configs_and_kafka_acls(guarded, jvm):
    at = ("--bootstrap-server", guarded.listeners["sasl"], "--command-config", client_file(guarded, "admin", "admin-secret"))
    jvm("kafka.admin.ConfigCommand", *at, "--alter", "--add-config", "SCRAM-SHA-256=[iterations=8192,password=erna-secret]",
        "--entity-type", "users", "--entity-name", "erna")
    said = jvm("kafka.admin.ConfigCommand", *at, "--describe", "--entity-type", "users", "--entity-name", "erna")
    assert "SCRAM-SHA-256=iterations=8192" in said
    topic = fresh("topic")
    jvm(NEW["topics"], *at, "--create", "--topic", topic)
    erna = ("--bootstrap-server", guarded.listeners["sasl"], "--command-config", client_file(guarded, "erna", "erna-secret"))
    assert topic not in jvm(NEW["topics"], *erna, "--list")
    acls = "org.apache.kafka.tools.AclCommand"
    jvm(acls, *at, "--add", "--allow-principal", "User:erna", "--producer", "--topic", topic)
    jvm(acls, *at, "--add", "--allow-principal", "User:erna", "--consumer", "--topic", topic, "--group", "erna-1")
    assert "principal=User:erna" in jvm(acls, *at, "--list", "--principal", "User:erna")
    assert topic in jvm(NEW["topics"], *erna, "--list")
    round_trip(guarded.sasl("erna", "erna-secret"), topic, group="erna-1")
    said = jvm(acls, *at, "--remove", "--force", "--topic", topic)
    assert topic not in jvm(NEW["topics"], *erna, "--list"), said
    jvm("kafka.admin.ConfigCommand", *at, "--alter", "--delete-config", "SCRAM-SHA-256", "--entity-type", "users", "--entity-name",
        "erna")
    refused(guarded.sasl("erna", "erna-secret"), confluent_kafka.KafkaError._AUTHENTICATION)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_java_clients_sign_in(open_weir, jvm, mechanism):
    config = client_file(open_weir, "alice", "alice-secret", mechanism)
    topic = fresh("topic")
    at = open_weir.listeners["sasl"]
    jvm("org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", at, "--command-config", config, "--topic", topic,
        "--request-timeout-ms", "60000", text="one\ntwo\n")  # of its own it waits for 1.5 s, four times
    said = jvm("org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", at, "--command-config", config, "--topic", topic,
               "--from-beginning", "--max-messages", "2", "--timeout-ms", "60000")
    assert "one" in said and "two" in said


# --- signing in again (KIP-368) ----------------------------------------------------------------------------------------

LIFETIME_MS = 2000


@pytest.fixture(scope="module")
def brief(start):
    """Who has signed in must do so again every two seconds."""
    return start("kafka.settings={connections.max.reauth.ms: %d}" % LIFETIME_MS)


class Raw:
    """Requests by hand, over one connection."""

    def __init__(self, weir):
        host, port = weir.listeners["sasl"].rsplit(":", 1)
        self.sock = socket.create_connection((host, int(port)), timeout=PATIENCE)

    def ask(self, key, version, body):
        frame = struct.pack(">hhih4s", key, version, 7, 4, b"test") + body
        self.sock.sendall(struct.pack(">i", len(frame)) + frame)
        return receive(self.sock)[4:]

    def shake(self, mechanism=b"PLAIN"):
        return struct.unpack(">h", self.ask(17, 1, struct.pack(">h", len(mechanism)) + mechanism)[:2])[0]

    def token(self, user=b"alice", password=b"alice-secret"):
        """Error code, words, lifetime."""
        token = b"\0" + user + b"\0" + password
        answer = self.ask(36, 1, struct.pack(">i", len(token)) + token)
        code, size = struct.unpack(">hh", answer[:4])
        words = answer[4:4 + max(size, 0)].decode()
        return code, words, struct.unpack(">q", answer[-8:])[0]

    def lists_topics(self):
        return len(self.ask(3, 1, struct.pack(">i", 0))) > 0

    def is_closed(self):
        try:
            self.lists_topics()
        except (AssertionError, ConnectionError):
            return True
        return False


def test_who_signs_in_is_told_for_how_long_and_may_do_it_again_on_the_same_connection(brief):
    def served():
        """False where a machine that paused let a lifetime pass by before the request: then nothing is known."""
        raw = Raw(brief)
        for left in reversed(range(4)):
            began = time.monotonic()
            assert raw.shake() == 0
            assert raw.token() == (0, "", LIFETIME_MS)
            lists = not raw.is_closed()
            if time.monotonic() - began > LIFETIME_MS / 1000:
                return False
            assert lists
            time.sleep(1.2 if left else 0)
        return True

    wait_for(served, "a machine that does not pause")


def test_who_does_not_is_closed_with_the_next_request(brief):
    raw = Raw(brief)
    raw.shake()
    raw.token()
    time.sleep(LIFETIME_MS / 1000 + 0.2)
    assert raw.is_closed()


def test_only_the_same_user_by_the_same_mechanism_signs_in_again(brief):
    raw = Raw(brief)
    raw.shake()
    raw.token()
    raw.shake()
    code, words, _ = raw.token(b"bob", b"bob-secret")
    assert (code, words) == (58, "Cannot change principals during re-authentication from User.alice: User.bob")
    assert raw.is_closed()
    raw = Raw(brief)
    raw.shake()
    raw.token()
    raw.shake(b"SCRAM-SHA-256")
    code, words, _ = raw.token()
    assert code == 58 and "'SCRAM-SHA-256' requested by client is not supported for re-authentication of mechanism 'PLAIN'" in words
    assert raw.is_closed()


def test_nothing_else_is_answered_while_a_client_signs_in_again(brief):
    raw = Raw(brief)
    raw.shake()
    raw.token()
    raw.shake()
    assert raw.is_closed()


def test_without_a_lifetime_a_second_handshake_is_out_of_place(open_weir):
    raw = Raw(open_weir)
    raw.shake()
    assert raw.token() == (0, "", 0)
    assert raw.shake() == 34
    assert raw.lists_topics()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_librdkafka_goes_on_over_many_lifetimes(brief, mechanism):
    config, topic = brief.sasl("alice", "alice-secret", mechanism), fresh("topic")
    producer = confluent_kafka.Producer({**config, "linger.ms": 0})
    consumer = confluent_kafka.Consumer({**config, "group.id": fresh("group"), "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    sent, failed, read = 0, [], []

    def fetch():
        read.extend(message for message in consumer.consume(10, 0.1) if not message.error())

    end = time.monotonic() + 3 * LIFETIME_MS / 1000
    while time.monotonic() < end or sent <= 20:
        producer.produce(topic, b"x", on_delivery=lambda error, message: failed.append(error) if error else None)
        sent += 1
        producer.poll(0)
        fetch()
    assert producer.flush(PATIENCE) == 0 and not failed
    wait_for(lambda: fetch() or len(read) >= sent, "all records")
    consumer.close()


def test_java_goes_on_over_many_lifetimes(brief, jvm):
    config, topic = client_file(brief, "alice", "alice-secret", "SCRAM-SHA-256"), fresh("topic")
    said = jvm("org.apache.kafka.tools.ProducerPerformance", "--bootstrap-server", brief.listeners["sasl"], "--command-config", config,
               "--topic", topic, "--num-records", "600", "--record-size", "10", "--throughput", "100")
    assert "600 records sent" in said and "ERROR" not in said, said
