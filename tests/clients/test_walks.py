"""kafka-python, confluent-kafka, aiokafka, kafkajs, franz-go and sarama, unmodified; each release runs its walk in a process of its own."""
import os
import pathlib
import subprocess
import sys

import pytest

import packages
from versions import AIOKAFKA, CONFLUENT_KAFKA, GO, KAFKA_PYTHON, KAFKAJS

HERE = pathlib.Path(__file__).parent


def walk(command, at, **environment):
    done = subprocess.run([*map(str, command), at], capture_output=True, text=True, timeout=180,
                          env={**os.environ, **environment})
    assert done.stdout.endswith("ok\n"), done.stdout[-1000:] + done.stderr[-3000:]


def python_walk(program, at, *requirements):
    walk([sys.executable, HERE / program], at, PYTHONPATH=str(packages.python_packages(*requirements)))


@pytest.mark.parametrize("release", KAFKA_PYTHON)
def test_kafka_python_walk(at, release):
    python_walk("kafka_python_walk.py", at, f"kafka-python=={release}")


@pytest.mark.parametrize("release", CONFLUENT_KAFKA)
def test_confluent_kafka_walk(at, release):
    python_walk("confluent_kafka_walk.py", at, f"confluent-kafka=={release}")


@pytest.mark.parametrize("release", AIOKAFKA)
def test_aiokafka_walk(at, release):
    python_walk("aiokafka_walk.py", at, f"aiokafka=={release}", "cramjam")


def test_kafkajs_walk(at):
    modules = packages.node_modules(*KAFKAJS) / "node_modules"
    walk(["node", HERE / "kafkajs_walk.js"], at, NODE_PATH=str(modules))


@pytest.mark.parametrize("client", ["franz", "sarama"])
def test_go_walk(at, client):
    walk([packages.go_program(HERE / "go", GO), client], at)
