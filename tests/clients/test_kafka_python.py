"""kafka-python and aiokafka, several releases, unmodified; each runs its walk in a process of its own."""
import os
import pathlib
import subprocess
import sys

import pytest

import packages
from versions import KAFKA_PYTHON

HERE = pathlib.Path(__file__).parent


def walk(program, packages_folder, at, *words):
    done = subprocess.run([sys.executable, str(HERE / program), at, *words], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": str(packages_folder)})
    assert done.stdout.endswith("ok\n"), done.stdout[-1000:] + done.stderr[-3000:]


@pytest.mark.parametrize("release", KAFKA_PYTHON)
def test_kafka_python(at, release):
    walk("kafka_python_walk.py", packages.python_packages(f"kafka-python=={release}"), at)
