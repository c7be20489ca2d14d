"""The Java clients and tools of Apache Kafka, from 2.1 to the newest, unmodified; one JVM for each release (java/Shell.java)."""
import base64
import os
import pathlib
import re
import subprocess
import threading

import pytest

import packages
from versions import JAVA

HERE = pathlib.Path(__file__).parent / "java"
CALL_MAX_S = 300
# The programs beside this file that a release can be compiled with.
WALKS = {"2.1": ["Walk"], "2.8": ["Walk", "AdminWalk", "TxnWalk"], "3.9": ["Walk", "AdminWalk", "TxnWalk", "NewWalk", "UiWalk"],
         "4.3": ["Walk", "AdminWalk", "TxnWalk", "NewWalk", "UiWalk", "NewestWalk"]}
TOOLS = [release for release in JAVA if release != "2.1"]


class Jvm:
    """A running java/Shell: jvm(class, words) gives what it printed."""

    def __init__(self, release):
        libs = packages.jars(release, JAVA[release])
        own = packages.classes(release, libs, [HERE / f"{name}.java" for name in ["Shell", *WALKS[release]]])
        self.open(libs, own, packages.CLIENTS / f"java-{release}.log")

    def open(self, libs, own, log):
        self.log = log
        self.java = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp", f"{own}:{libs}/*"]
        with open(log, "w") as out:
            self.process = subprocess.Popen([*self.java, "Shell"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out,
                                            text=True)

    def __call__(self, name, *words, text="", fails=False):
        line = " ".join(base64.b64encode(word.encode()).decode() for word in (name, text, *words))
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        limit = threading.Timer(CALL_MAX_S, self.process.kill)
        limit.start()
        answer = self.process.stdout.readline()
        limit.cancel()
        assert answer, f"the JVM ended, or took more than {CALL_MAX_S} s, in {name} {words}:\n{self.log.read_text()[-3000:]}"
        code, out, err = answer.split(" ")
        out, err = (base64.b64decode(part).decode() for part in (out, err))
        assert (code != "0") == fails, f"{name} {words} ended with {code}\n{out}\n{err}"
        return out + err if fails else out

    def alone(self, name, *words):
        """For a program that finishes its work only when its JVM ends."""
        done = subprocess.run([*self.java, name, *words], capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self):
        self.process.stdin.close()
        self.process.wait(60)


def jvm_per_release(make):
    """make(release), started at its first use."""
    running = {}

    def of(release):
        if release not in running:
            running[release] = make(release)
        return running[release]

    yield of
    for jvm in running.values():
        jvm.stop()


@pytest.fixture(scope="module")
def jvms():
    yield from jvm_per_release(Jvm)


def behaviours(walk):
    """The methods a walk offers: those without arguments that are not its main."""
    return re.findall(r"^    static void (\w+)\(\) throws Exception", (HERE / f"{walk}.java").read_text(), re.M)




@pytest.mark.parametrize("release, walk, behaviour", [(release, walk, behaviour) for release in WALKS
                                                      for walk in WALKS[release] for behaviour in behaviours(walk)])
def test_java_client(jvms, at, release, walk, behaviour):
    jvms(release)(walk, at, behaviour)


# --- the tools of bin/kafka-*.sh ---------------------------------------------------------------------------------------

NEW = {
    "topics": "org.apache.kafka.tools.TopicCommand",
    "groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "configs": "kafka.admin.ConfigCommand",
    "producer-perf": "org.apache.kafka.tools.ProducerPerformance",
    "consumer-perf": "org.apache.kafka.tools.ConsumerPerformance",
    "get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "verifiable-producer": "org.apache.kafka.tools.VerifiableProducer",
    "verifiable-consumer": "org.apache.kafka.tools.VerifiableConsumer",
    "broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
}
# Where a release of before kept them elsewhere.
MAINS = {
    "2.8": {**NEW, "topics": "kafka.admin.TopicCommand", "groups": "kafka.admin.ConsumerGroupCommand",
            "console-producer": "kafka.tools.ConsoleProducer", "console-consumer": "kafka.tools.ConsoleConsumer",
            "consumer-perf": "kafka.tools.ConsumerPerformance", "get-offsets": "kafka.tools.GetOffsetShell",
            "delete-records": "kafka.admin.DeleteRecordsCommand", "log-dirs": "kafka.admin.LogDirsCommand",
            "broker-api-versions": "kafka.admin.BrokerApiVersionsCommand"},
    "3.9": {**NEW, "console-producer": "kafka.tools.ConsoleProducer",
            "broker-api-versions": "kafka.admin.BrokerApiVersionsCommand"},
    "4.3": NEW,
}


@pytest.fixture(params=TOOLS)
def tool(request, jvms, at):
    """tool(name, words) runs kafka-`name`.sh of a release on the broker."""
    release = request.param

    def run(name, *words, **kwargs):
        connect = ["--broker-list", at] if (name, release) == ("get-offsets", "2.8") else ["--bootstrap-server", at]
        if name == "groups":
            connect += ["--timeout", "60000"]  # of its own it waits for 5 s
        return jvms(release)(MAINS[release][name], *connect, *words, **kwargs)

    run.release, run.jvm = release, jvms(release)
    return run


def group_row(tool, group):
    return next(line.split() for line in tool("groups", "--describe", "--group", group).splitlines()
                if line.startswith(group))


def test_topics_sh(tool, topic):
    tool("topics", "--create", "--topic", topic, "--partitions", "2", "--replication-factor", "1", "--config",
         "retention.ms=1000000")
    described = re.sub(r"\s+", " ", tool("topics", "--describe", "--topic", topic))
    assert "PartitionCount: 2" in described and "retention.ms=1000000" in described and "Leader: 1" in described
    assert "already exists" in tool("topics", "--create", "--topic", topic, fails=True)
    tool("topics", "--alter", "--topic", topic, "--partitions", "3")
    assert "PartitionCount: 3" in tool("topics", "--describe", "--topic", topic)
    tool("topics", "--delete", "--topic", topic)
    assert topic not in tool("topics", "--list").split()


def test_console_producer_and_consumer_and_groups_sh(tool, topic):
    lines = "".join(f"line {i}\n" for i in range(100))
    # Of its own it gives a request 1.5 s, and 2.8 then sends the lines a second time.
    tool("console-producer", "--topic", topic, "--compression-codec", "zstd", "--request-timeout-ms", "60000", text=lines)
    session = ["--consumer-property", "session.timeout.ms=45000"] if tool.release == "2.8" else []  # since 3.0 the default
    assert lines == tool("console-consumer", "--topic", topic, "--from-beginning", "--max-messages", "100", "--group",
                         topic, "--timeout-ms", "60000", *session)
    assert group_row(tool, topic)[:6] == [topic, topic, "0", "100", "100", "0"]
    assert topic in tool("groups", "--list").split()
    tool("groups", "--group", topic, "--topic", topic, "--reset-offsets", "--to-offset", "40", "--execute")
    assert group_row(tool, topic)[3:6] == ["40", "100", "60"]
    assert "Empty" in tool("groups", "--describe", "--group", topic, "--state")
    tool("groups", "--describe", "--group", topic, "--members")
    tool("groups", "--describe", "--all-groups")
    tool("groups", "--delete-offsets", "--group", topic, "--topic", topic)
    tool("groups", "--delete", "--group", topic)
    assert topic not in tool("groups", "--list").split()


def test_configs_sh(tool, topic):
    tool("topics", "--create", "--topic", topic)
    kind = ["--entity-type", "topics", "--entity-name", topic]
    tool("configs", "--alter", *kind, "--add-config", "retention.ms=2000000,segment.bytes=1048576")
    described = tool("configs", "--describe", *kind)
    assert "retention.ms=2000000" in described and "segment.bytes=1048576" in described
    tool("configs", "--alter", *kind, "--delete-config", "retention.ms")
    assert "retention.ms=2000000" not in tool("configs", "--describe", *kind)
    assert "message.max.bytes" in tool("configs", "--describe", "--entity-type", "brokers", "--entity-name", "1", "--all")


def test_perf_sh_and_get_offsets_sh_and_delete_records_sh(tool, at, topic, tmp_path):
    tool("topics", "--create", "--topic", topic)
    props = "--command-property" if tool.release == "4.3" else "--producer-props"
    main = MAINS[tool.release]["producer-perf"]
    said = tool.jvm(main, "--topic", topic, "--num-records", "20000", "--record-size", "100", "--throughput", "-1", props,
                    f"bootstrap.servers={at}", "acks=all", "linger.ms=5")
    assert "20000 records sent" in said
    count = "--num-records" if tool.release == "4.3" else "--messages"
    (tmp_path / "patient").write_text("session.timeout.ms=45000\n")
    session = ["--consumer.config", str(tmp_path / "patient")] if tool.release == "2.8" else []  # since 3.0 the default
    said = tool("consumer-perf", "--topic", topic, count, "20000", "--timeout", "60000", *session)
    assert said.splitlines()[-1].split(", ")[4] == "20000"
    assert f"{topic}:0:20000" in tool("get-offsets", "--topic", topic)
    which = tmp_path / "offsets.json"
    which.write_text('{"version":1,"partitions":[{"topic":"%s","partition":0,"offset":5000}]}' % topic)
    assert "low_watermark: 5000" in tool("delete-records", "--offset-json-file", str(which))
    earliest = tool("get-offsets", "--topic", topic, "--time", "-2")
    assert f"{topic}:0:5000" in earliest


def test_log_dirs_sh_and_broker_api_versions_sh(tool, topic, tmp_path):
    tool("topics", "--create", "--topic", topic)
    said = tool("log-dirs", "--describe", "--topic-list", topic)
    assert f'"partition":"{topic}-0"' in said and '"error":null' in said
    (tmp_path / "patient").write_text("request.timeout.ms=60000\n")  # of its own it waits for 5 s
    said = tool("broker-api-versions", "--command-config", str(tmp_path / "patient"))
    assert "Fetch(1): 4 to 18" in said and "Metadata(3): 0 to 13" in said


def test_verifiable_producer_and_consumer(tool, at, topic):
    tool("topics", "--create", "--topic", topic)
    said = tool.jvm.alone(MAINS[tool.release]["verifiable-producer"], "--bootstrap-server", at, "--topic", topic,
                          "--max-messages", "500", "--acks", "-1")
    assert said.count('"name":"producer_send_success"') == 500
    said = tool("verifiable-consumer", "--topic", topic, "--group-id", topic, "--max-messages", "500")
    assert '"name":"offsets_committed"' in said
    assert group_row(tool, topic)[3:6] == ["500", "500", "0"]
