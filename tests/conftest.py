"""Starts build/weir (or $WEIR) on free ports for tests, and stops it by pid."""
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import time
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
WEIR = pathlib.Path(os.environ.get("WEIR", ROOT / "build" / "weir"))
DEADLINE = 60.0


def wait_for(condition, what, deadline=DEADLINE):
    """Asks `condition` until it is true; fails with `what` after `deadline` seconds."""
    end = time.monotonic() + deadline
    while True:
        late = time.monotonic() >= end  # before it is asked: a machine that pauses in between has one more look
        found = condition()
        if found:
            return found
        assert not late, f"waited {deadline:.0f} s for {what}"
        time.sleep(0.01)


def cql_session(weir, keyspace):
    """The driver's own patience is 2 to 10 s."""
    from cassandra.cluster import Cluster
    host, port = weir.at["cql"].rsplit(":", 1)
    cluster = Cluster([host], port=int(port), connect_timeout=DEADLINE, control_connection_timeout=DEADLINE,
                      max_schema_agreement_wait=DEADLINE)
    session = cluster.connect(keyspace)
    session.default_timeout = DEADLINE
    return session


def free_port():
    """Below those that the kernel gives away by itself: nobody is given it while its weir is down for a restart."""
    while True:
        port = random.SystemRandom().randrange(10100, 30000)  # browsers open no 10080
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Weir:
    """One running weir on a project folder; `at` maps part names to host:port."""

    def __init__(self, project, data_dir, *sets):
        self.project, self.data_dir, self.sets = str(project), pathlib.Path(data_dir), sets
        self.process, self.at, self.log = None, {}, pathlib.Path(f"{data_dir}.log")
        self.parts = ("kafka", "cql", "console", "people")  # those that listen

    def start(self):
        ready = pathlib.Path(f"{self.data_dir}.ready.json")
        ready.unlink(missing_ok=True)
        settings = [f"data_dir={self.data_dir}", *self.sets]
        settings += [f"{part}.listen=127.0.0.1:{self.port_of(part)}" for part in self.parts]
        command = [str(WEIR), "up", self.project, "--ready", str(ready)]
        for setting in settings:
            command += ["--set", setting]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=open(self.log, "ab"),
                                        stderr=subprocess.STDOUT, cwd=ROOT)
        wait_for(lambda: ready.exists() or self.process.poll() is not None, "weir to be ready")
        assert self.process.poll() is None, f"weir ended at start:\n{self.log.read_text()[-3000:]}"
        self.at = json.loads(ready.read_text())
        return self

    def port_of(self, part):
        """A started weir keeps its ports over a restart, as clients expect."""
        return int(self.at[part].rsplit(":", 1)[1]) if part in self.at else free_port()

    def must_run(self):
        code = self.process.poll()
        assert code is None, f"weir ended by itself with {code}:\n{self.log.read_text()[-3000:]}"

    def kill(self):
        self.must_run()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(60) == 0, self.log.read_text()[-3000:]
        elif self.process and self.process.returncode < 0 and self.process.returncode != -signal.SIGKILL:
            self.must_run()  # a signal of its own making

    def cli(self, *words, **kwargs):
        return subprocess.run([str(WEIR), *words, "--at", self.at["console"]], capture_output=True, text=True,
                              timeout=60, **kwargs)


@pytest.fixture(scope="session")
def empty_project(tmp_path_factory):
    return tmp_path_factory.mktemp("project")


@pytest.fixture
def start_weir(tmp_path):
    """start_weir(project, *settings) -> a running Weir; all are stopped when the test ends."""
    running = []

    def start(project, *sets, name="data"):
        weir = Weir(project, tmp_path / name, *sets)
        running.append(weir)
        return weir.start()

    yield start
    for weir in running:
        weir.stop()


@pytest.fixture(scope="module")
def weir(tmp_path_factory):
    """One weir on an empty project for the tests of a file."""
    folder = tmp_path_factory.mktemp("weir")
    (folder / "project").mkdir()
    one = Weir(folder / "project", folder / "data").start()
    yield one
    one.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def at(tmp_path_factory):
    """host:port of one broker for all tests of a run: $KAFKA_AT (to run them on a real Kafka), or a weir's."""
    if "KAFKA_AT" in os.environ:
        yield os.environ["KAFKA_AT"]
        return
    folder = tmp_path_factory.mktemp("broker")
    (folder / "project").mkdir()
    one = Weir(folder / "project", folder / "data").start()
    yield one.at["kafka"]
    one.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def topic():
    """A name no other test uses."""
    return "t-" + uuid.uuid4().hex[:12]
