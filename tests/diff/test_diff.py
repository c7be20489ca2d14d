# SPDX-License-Identifier: Apache-2.0
"""The same raw requests to Apache Kafka 4.3.1 and to weir: every API in every version, well-formed and not, and the
decoded answers compared field by field. What may differ stands in allowed.py; everything else fails.

DIFF_RECORD=FILE.hex keeps exchanges with Kafka as golden bytes: tests/golden/kafka/diff.hex was made that way.
Each case is a function of a cases_*.py, in file order. DIFF_KAFKA=HOST:PORT takes a running Kafka instead of a new one.
"""
import importlib
import os
import signal
import subprocess

import pytest

from codec import Codec
from conftest import ROOT, Weir
from pair import Pair, Peer

PEERS = ROOT / "build" / "peers"
FILES = ("handshake", "topics", "data", "configs", "settings", "groups", "mixed_groups", "transactions", "inspection", "administration", "frames")
SETTINGS = {
    # A group assigns anew with each change: once a second, what a member is told would depend on how fast this machine is.
    "group.consumer.assignment.interval.ms": 0,
    # Empty groups without offsets stay: each broker would remove them at a moment of its own.
    "offsets.retention.check.interval.ms": 86400000,
}
CASES = [case for file in FILES for name, case in vars(importlib.import_module("cases_" + file)).items()
         if name.startswith("case_")]


class Recorder:
    """Of each API and version the longest small answer, and the longest small one that tells another story."""

    def __init__(self, path):
        self.path, self.kept = path, {}

    def add(self, key, version, request, response):
        size = len(request) + len(response)
        if self.path and size < 1500:
            slot = (key, version, len(response) > 60)
            if slot not in self.kept or size > sum(map(len, self.kept[slot])):
                self.kept[slot] = (request, response)

    def write(self):
        if self.path:
            with open(self.path, "w") as out:
                out.write("# key version request response; from a run of tests/diff with DIFF_RECORD\n")
                for (key, version, _), (request, response) in sorted(self.kept.items()):
                    out.write("%d %d %s %s\n" % (key, version, request.hex(), response.hex()))


@pytest.fixture(scope="module")
def pair(request, tmp_path_factory, empty_project):
    home = tmp_path_factory.mktemp("diff")
    at, pid = os.environ.get("DIFF_KAFKA"), None
    if not at:
        script = str(ROOT / "bench" / "peers" / "start_kafka.sh")
        with open(home / "start.log", "w") as log:  # a pipe would stay open as long as the broker lives
            subprocess.run([script, str(home / "kafka"), *("%s=%d" % item for item in SETTINGS.items())], stdout=log, timeout=600, check=True)
        at, pid, _ = (home / "start.log").read_text().split()
    codec = Codec(PEERS / "kafka" / "lib" / "kafka-clients-4.3.1.jar")
    weir = Weir(empty_project, home / "weir", "kafka.settings={%s}" % ", ".join("%s: %d" % item for item in SETTINGS.items())).start()
    pair = Pair(Peer("kafka", at, codec), Peer("weir", weir.at["kafka"], codec), codec)
    recorder = Recorder(os.environ.get("DIFF_RECORD"))
    pair.kafka.record = recorder.add
    yield pair
    recorder.write()
    weir.stop()
    if pid:
        os.kill(int(pid), signal.SIGTERM)
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n".join(["", *pair.summary()]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__[len("case_"):])
def test_kafka_and_weir_answer_the_same(pair, case):
    case(pair)
    found = pair.take()
    assert not found, "%d differences:\n%s" % (len(found), "\n".join(found[:200]))
