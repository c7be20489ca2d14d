# SPDX-License-Identifier: Apache-2.0
"""Well-formed requests at random (random_requests.py), thousands in a row, to weir alone: each is answered in its own
version's form, or its connection is closed as Kafka does; the process lives, its log is whole, and a start finds it so.

RANDOM_SEEDS=FROM:TO runs others; with WEIR=build/asan/weir they look for memory errors too.
"""
import os
import subprocess

import pytest

from codec import Codec
from conftest import ROOT, WEIR
from pair import Closed, Peer
from random_requests import Requests

COUNT = 4000
FROM, TO = map(int, os.environ.get("RANDOM_SEEDS", "1:5").split(":"))
WAITING = ("JoinGroup", "SyncGroup")  # answered when others have come, if ever


@pytest.fixture(scope="module")
def codec():
    subprocess.run([str(ROOT / "bench" / "peers" / "fetch_kafka.sh")], check=True, timeout=600, stdout=subprocess.DEVNULL)
    return Codec(ROOT / "build" / "peers" / "kafka" / "lib" / "kafka-clients-4.3.1.jar")


def served(peer, codec):
    keys = peer.call("ApiVersions", 0, {})["ApiKeys"]
    names = {message.key: name for name, message in codec.requests.items() if isinstance(name, str)}
    return {names[key["ApiKey"]]: (key["MinVersion"], key["MaxVersion"]) for key in keys if key["ApiKey"] in names}


@pytest.mark.parametrize("seed", range(FROM, TO))
def test_random_requests_do_not_end_it(empty_project, start_weir, codec, seed):
    weir = start_weir(empty_project, "kafka.settings={group.initial.rebalance.delay.ms: 0}", "kafka.authorizer=on",
                      "kafka.super_users=User:ANONYMOUS")
    peers = [Peer("weir", weir.at["kafka"], codec) for _ in range(3)]
    requests = Requests(codec, served(peers[0], codec), seed)
    for topic in ("a", "b"):
        peers[0].call("CreateTopics", 7, {"Topics": [{"Name": topic, "NumPartitions": 2, "ReplicationFactor": 1}], "timeoutMs": 60000})
    closed, waiting = 0, []
    for number in range(COUNT):
        peer = peers[number % len(peers)]
        name, version, body = requests.next()
        what = "seed %d, request %d: %s v%d %r" % (seed, number, name, version, body)
        try:
            if name in WAITING or name == "Produce" and body["Acks"] == 0:
                peer = Peer("weir", weir.at["kafka"], codec)
                peer.connect()
                peer.sock.settimeout(0.02)
                waiting.append(peer)
            requests.learn(name, body, peer.call(name, version, body))
        except TimeoutError:
            assert peer in waiting, what
        except Closed:
            closed += 1
        except Exception as error:
            weir.must_run()
            raise AssertionError(what) from error
        if len(waiting) > 10:
            waiting.pop(0).close()
        assert weir.process.poll() is None, what + weir.log.read_text()[-3000:]
    assert closed < COUNT // 20
    for peer in peers + waiting:
        peer.close()
    for _ in range(2):  # and what it wrote is whole
        weir.stop()
        done = subprocess.run([str(WEIR), "log", "check", "--data-dir", str(weir.data_dir)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout
        weir.start()
