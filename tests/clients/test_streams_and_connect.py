"""Kafka Streams and Kafka Connect, from their Maven jars, on weir."""
import contextlib
import subprocess

import pytest

import packages
from conftest import wait_for
from test_java import HERE
from versions import JAVA

NEWEST = "4.3"


@pytest.fixture(scope="module")
def libs():
    return packages.jars(NEWEST, JAVA[NEWEST])


@pytest.mark.parametrize("guarantee", ["at_least_once", "exactly_once_v2"])
def test_streams_counts_words_and_takes_its_state_from_the_changelog(at, libs, tmp_path, guarantee):
    own = packages.classes("streams", libs, [HERE / "Walk.java", HERE / "WordCount.java"])
    done = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp", f"{own}:{libs}/*",
                           "WordCount", at, guarantee, str(tmp_path)], capture_output=True, text=True, timeout=420)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]


@contextlib.contextmanager
def connect(at, libs, folder, topic):
    """A standalone worker that carries `folder`/in through the topic to `folder`/out."""
    common = {"bootstrap.servers": at, "key.converter": "org.apache.kafka.connect.storage.StringConverter",
              "value.converter": "org.apache.kafka.connect.storage.StringConverter", "listeners": "http://127.0.0.1:0",
              "offset.storage.file.filename": folder / "offsets", "offset.flush.interval.ms": 200,
              "offset.flush.timeout.ms": 60000, "task.shutdown.graceful.timeout.ms": 60000, "plugin.discovery": "service_load"}
    source = {"name": "source", "connector.class": "FileStreamSource", "file": folder / "in", "topic": topic}
    sink = {"name": topic, "connector.class": "FileStreamSink", "file": folder / "out", "topics": topic}
    files = []
    for name, settings in (("worker", common), ("source", source), ("sink", sink)):
        files.append(folder / f"{name}.properties")
        files[-1].write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    log = folder / "connect.log"
    with open(log, "a") as out:
        process = subprocess.Popen(["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp", f"{libs}/*",
                                    "org.apache.kafka.connect.cli.ConnectStandalone", *map(str, files)], stdout=out,
                                   stderr=subprocess.STDOUT)
    try:
        yield lambda: process.poll() is None or pytest.fail(log.read_text()[-4000:])
    finally:
        process.terminate()
        process.wait(120)


def test_connect_carries_a_file_through_a_topic_and_keeps_its_offsets(at, libs, topic, tmp_path):
    lines = [f"line {n}\n" for n in range(1000)]
    for end in (500, 1000):
        with open(tmp_path / "in", "a") as written:
            written.writelines(lines[end - 500:end])
        with connect(at, libs, tmp_path, topic) as alive:
            out = tmp_path / "out"
            wait_for(lambda: alive() and out.exists() and out.read_text().count("\n") >= end, f"{end} lines", 120)
    assert out.read_text() == "".join(lines)
