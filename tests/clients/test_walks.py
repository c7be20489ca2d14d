"""kafka-python, confluent-kafka, aiokafka, kafkajs, @platformatic/kafka, franz-go, sarama, kafka-go and rskafka, unmodified; each release runs its walk in a process of its own."""
import os
import pathlib
import subprocess
import sys

import pytest

import packages
from versions import AIOKAFKA, CODECS, CONFLUENT_KAFKA, FAUST, GO, KAFKA_PYTHON, KAFKAJS, OLD_LIBRDKAFKA, PLATFORMATIC, RUST

HERE = pathlib.Path(__file__).parent


def walk(command, at, part, **environment):
    done = subprocess.run([*map(str, command), at, part], capture_output=True, text=True, timeout=180,
                          env={**os.environ, **environment})
    assert done.stdout.endswith("ok\n"), done.stdout[-1000:] + done.stderr[-3000:]


def python_walk(program, at, part, *requirements):
    walk([sys.executable, HERE / program], at, part, PYTHONPATH=str(packages.python_packages(*requirements)))


parts = pytest.mark.parametrize("part", ["walk", "transactions"])


@pytest.mark.parametrize("release, part", [(release, part) for release in KAFKA_PYTHON for part in ("walk", "transactions")
                                           if (release, part) != ("2.0.2", "transactions")])  # it has them since 2.1
def test_kafka_python(at, release, part):
    python_walk("kafka_python_walk.py", at, part, f"kafka-python=={release}", *CODECS)


@parts
@pytest.mark.parametrize("release", CONFLUENT_KAFKA)
def test_confluent_kafka(at, release, part):
    python_walk("confluent_kafka_walk.py", at, part, f"confluent-kafka=={release}")


def test_confluent_kafka_in_the_new_group_protocol(at):
    python_walk("confluent_kafka_walk.py", at, "consumer_protocol", f"confluent-kafka=={CONFLUENT_KAFKA[-1]}")


@parts
@pytest.mark.parametrize("release", AIOKAFKA)
def test_aiokafka(at, release, part):
    python_walk("aiokafka_walk.py", at, part, f"aiokafka=={release}", *AIOKAFKA[release])


def test_faust_goes_on_from_its_changelog(at, topic):
    for worker in ("1", "2"):
        done = subprocess.run([sys.executable, HERE / "faust_walk.py", at, topic, worker], capture_output=True, text=True, timeout=180,
                              env={**os.environ, "PYTHONPATH": str(packages.python_packages(FAUST))})
        assert "ok\n" in done.stdout, done.stdout[-1000:] + done.stderr[-3000:]


@parts
def test_kafkajs(at, part):
    modules = packages.node_modules(*KAFKAJS) / "node_modules"
    walk(["node", HERE / "kafkajs_walk.js"], at, part, NODE_PATH=str(modules))


@pytest.mark.parametrize("part", ["walk", "transactions", "consumer_protocol"])
def test_platformatic_kafka(at, part):
    modules = packages.node_modules(*PLATFORMATIC) / "node_modules"
    walk([modules / ".bin/node", HERE / "platformatic_walk.js"], at, part, NODE_PATH=str(modules))


@parts
@pytest.mark.parametrize("client", ["franz", "sarama", "librdkafka", "segmentio"])
def test_go(at, client, part):
    walk([packages.go_program(HERE / "go", GO), client], at, part)


def test_the_oldest_librdkafka_that_reads_from_kafka_4(at):  # its Go module takes 10 s to close a consumer
    walk([packages.go_program(HERE / "go", GO, OLD_LIBRDKAFKA), "librdkafka"], at, "walk")


def test_franz_go_in_the_new_group_protocol(at):
    walk([packages.go_program(HERE / "go", GO), "franz"], at, "consumer_protocol")


def test_rskafka(at):
    program = packages.rust_program(HERE / "rust", RUST)
    if not program:
        pytest.skip(f"rskafka needs Rust {RUST}")
    walk([program], at, "walk")
