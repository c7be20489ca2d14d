"""The command line for people: every command as a table and as JSON, errors in plain words, exit codes. Against the running
weir as it finds it, and against any broker with --brokers (KAFKA_AT: a real Kafka)."""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from conftest import WEIR, wait_for


@pytest.fixture
def cli(at):
    """cli(words...) -> stdout; `fails` is the exit code expected, and then stderr comes back."""
    def run(*words, text="", fails=0):
        done = subprocess.run([WEIR, *words, "--brokers", at], input=text, capture_output=True, text=True, timeout=60)
        assert done.returncode == fails, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr if fails else done.stdout

    return run


@pytest.fixture
def filled(cli, topic):
    """A topic of three partitions with records 0..29, key k0..k29."""
    cli("topics", "create", topic, "--partitions", "3")
    cli("produce", topic, "--key-separator", ":", text="".join(f"k{n}:value {n}\n" for n in range(30)))
    return topic


def rows(table):
    return [line.split() for line in table.splitlines() if line.strip()]


def committed(at, group, topic, *offsets):
    consumer = Consumer({"bootstrap.servers": at, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, p, o) for p, o in enumerate(offsets)], asynchronous=False)
    consumer.close()


# --- topics ---


def test_topics_are_made_listed_described_altered_and_deleted(cli, topic):
    assert cli("topics", "create", topic, "--partitions", "2", "--config", "retention.ms=60000") == f"{topic} created\n"
    listed = {row[0]: row for row in rows(cli("topics", "list"))}
    assert listed[topic][1:3] == ["2", "0"] and listed["TOPIC"][:3] == ["TOPIC", "PARTITIONS", "RECORDS"]
    assert {"name": topic, "partitions": 2, "records": 0}.items() <= {
        one["name"]: one for one in json.loads(cli("topics", "--json"))}[topic].items()
    described = cli("topics", "describe", topic)
    assert ["0", "1", "0", "0", "0"] in rows(described) and ["retention.ms", "60000", "topic"] in rows(described)
    everything = json.loads(cli("topics", "describe", topic, "--configs", "--json"))
    assert len(everything["partitions"]) == 2 and len(everything["settings"]) >= 33
    assert cli("topics", "alter", topic, "--config", "cleanup.policy=compact", "--reset", "retention.ms") == f"{topic} altered\n"
    assert cli("topics", "alter", topic, "--partitions", "4") == f"{topic} has 4 partitions\n"
    after = json.loads(cli("topics", "describe", topic, "--json"))
    assert [one["key"] for one in after["settings"]] == ["cleanup.policy"] and len(after["partitions"]) == 4
    assert cli("topics", "delete", topic) == f"{topic} deleted\n"
    wait_for(lambda: topic not in cli("topics"), "the topic to go")


def test_topics_say_what_is_wrong(cli, topic):
    cli("topics", "create", topic)
    assert "already exists" in cli("topics", "create", topic, fails=1)
    assert "Invalid value x for configuration retention.ms" in cli("topics", "alter", topic, "--config", "retention.ms=x", fails=1)
    assert "no such topic" in cli("topics", "delete", "no-" + topic, fails=1)
    assert "no such topic" in cli("topics", "describe", "no-" + topic, fails=1)
    assert "usage: weir topics" in cli("topics", "alter", topic, fails=2)
    assert "expected a whole number" in cli("topics", "create", topic, "--partitions", "many", fails=2)
    assert "unknown option --size" in cli("topics", "--size", "3", fails=2)


def test_nobody_listening_is_told_at_once():
    start = time.monotonic()
    for words in (["topics"], ["groups"], ["consume", "t"], ["produce", "t"]):
        done = subprocess.run([WEIR, *words, "--brokers", "127.0.0.1:1"], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == 1 and "no Kafka answers at 127.0.0.1:1: Connection refused" in done.stderr
    assert time.monotonic() - start < 60


# --- produce and consume ---


def test_lines_come_back_in_every_shape(cli, filled):
    assert sorted(cli("consume", filled).splitlines()) == sorted(f"value {n}" for n in range(30))
    assert sorted(cli("consume", filled, "--keys").splitlines()) == sorted(f"k{n}\tvalue {n}" for n in range(30))
    assert len(cli("consume", filled, "--count", "7").splitlines()) == 7
    one = cli("consume", filled, "--partition", "1", "--format", r"%t %p %o %K %S\n").splitlines()
    assert one and one[0].split() == [filled, "1", "0", one[0].split()[3], one[0].split()[4]]
    assert sorted(cli("consume", filled, "--filter", "^value 1.$").splitlines()) == [f"value {n}" for n in range(10, 20)]
    assert cli("consume", filled, "--filter-key", "^k7$") == "value 7\n"
    assert len(cli("consume", filled, "--from", "-1").splitlines()) == 3
    assert cli("consume", filled, "--from", "end") == ""


def test_json_goes_around(cli, topic):
    cli("topics", "create", topic, "--config", "retention.ms=-1")
    cli("produce", topic, "--format", "json", text='{"key": "a", "value": {"n": 1}, "headers": {"h": "x"}}\n'
        '{"key": "b", "value": null, "timestamp": 1700000000000}\n')
    first, second = map(json.loads, cli("consume", topic, "--json").splitlines())
    assert first["key"] == "a" and json.loads(first["value"]) == {"n": 1} and first["headers"] == {"h": "x"}
    assert second["value"] is None and second["timestamp"] == 1700000000000
    assert "line 1 is no JSON object" in cli("produce", topic, "--format", "json", text="soon\n", fails=1)


def test_headers_keys_nulls_files_and_acks(cli, topic, tmp_path):
    cli("topics", "create", topic)
    (tmp_path / "whole").write_bytes(b"two\nlines \xff")
    cli("produce", topic, "--format", "file", str(tmp_path / "whole"), "--key", "f", "--header", "a=1", "--header", "b=2")
    cli("produce", topic, "--key-separator", "=", "--null", "-", "--acks", "0", "--compression", "zstd", text="x=-\n")
    wait_for(lambda: len(cli("consume", topic, "--json").splitlines()) == 2, "the record nobody waited for")
    file, gone = map(json.loads, cli("consume", topic, "--json").splitlines())
    assert file["value_base64"] == "dHdvCmxpbmVzIP8=" and file["headers"] == {"a": "1", "b": "2"}
    assert gone["key"] == "x" and gone["value"] is None
    assert "cannot open" in cli("produce", topic, str(tmp_path / "nowhere"), fails=1)


def test_reading_from_a_time(cli, topic, at):
    cli("topics", "create", topic)
    producer = Producer({"bootstrap.servers": at})
    now = int(time.time() * 1000)
    for age_h in (3, 2, 1):
        producer.produce(topic, f"{age_h} h ago", timestamp=now - age_h * 3600000)
    assert producer.flush(60) == 0
    assert cli("consume", topic, "--from=-90m") == "1 h ago\n"
    assert cli("consume", topic, "--from", f"@{now - 2 * 3600000}") == "2 h ago\n1 h ago\n"
    assert cli("consume", topic, "--from", "2001-01-01").count("\n") == 3
    assert cli("consume", topic, "--from", "2") == "1 h ago\n"


def test_follow_prints_what_comes(cli, topic, at):
    cli("topics", "create", topic)
    follow = subprocess.Popen([WEIR, "consume", topic, "--follow", "--count", "2", "--brokers", at], stdout=subprocess.PIPE, text=True)
    cli("produce", topic, text="one\ntwo\n")
    assert follow.communicate(timeout=60)[0] == "one\ntwo\n" and follow.returncode == 0


def test_consume_says_what_is_wrong(cli, topic):
    cli("topics", "create", topic)
    assert "no such topic" in cli("consume", "no-" + topic, fails=1)
    assert "has 1 partition, there is no 5" in cli("consume", topic, "--partition", "5", fails=1)
    assert "--filter is '('" in cli("consume", topic, "--filter", "(", fails=2)
    assert "--from is 'soon'" in cli("consume", topic, "--from", "soon", fails=2)
    assert "--format has '%q'" in cli("consume", topic, "--format", "%q", fails=2)
    assert "--acks is '5'" in cli("produce", topic, "--acks", "5", fails=2)
    assert "no such partition" in cli("produce", topic, "--partition", "9", text="x\n", fails=1)


# --- groups ---


def test_groups_show_their_lag(cli, filled, at):
    group = filled + "-g"
    committed(at, group, filled, 1, 0, 2)
    listed = {row[0]: row for row in rows(cli("groups"))}
    assert listed[group] == [group, "Empty", "0", "27"]
    described = json.loads(cli("groups", "describe", group, "--json"))
    assert [one["committed"] for one in described["offsets"]] == [1, 0, 2] and sum(one["lag"] for one in described["offsets"]) == 27
    assert cli("groups", "describe", group).startswith(f"{group} is Empty, 0 members\n")
    assert "no such group" in cli("groups", "describe", "no-" + group, fails=1)
    assert cli("groups", "delete", group) == f"{group} deleted\n"
    assert group not in cli("groups")
    assert cli("groups", "delete", group, fails=1)


def test_running_groups_show_their_members_and_keep_their_offsets(cli, filled, at):
    group = filled + "-g"
    consumer = Consumer({"bootstrap.servers": at, "group.id": group, "client.id": "reader", "auto.offset.reset": "earliest"})
    consumer.subscribe([filled])
    wait_for(lambda: consumer.poll(0.2) and consumer.assignment(), "an assignment")
    members = rows(cli("groups", "describe", group, "--members"))
    assert members[0] == [group, "is", "Stable,", "1", "member"] and members[2][1] == "reader" and members[2][3] == "3"
    assert "running members" in cli("groups", "reset", group, "--topic", filled, "--to-earliest", "--execute", fails=1)
    assert cli("groups", "delete", group, fails=1)
    consumer.close()


def test_offsets_are_reset_only_when_told_to(cli, filled, at):
    group = filled + "-g"
    committed(at, group, filled, 1, 1, 1)

    def now():
        return [one["committed"] for one in json.loads(cli("groups", "describe", group, "--json"))["offsets"]]

    ends = [one["end"] for one in json.loads(cli("topics", "describe", filled, "--json"))["partitions"]]
    shown = rows(cli("groups", "reset", group, "--to-latest"))
    assert shown[1] == [filled, "0", "1", str(ends[0])] and now() == [1, 1, 1]
    cli("groups", "reset", group, "--to-latest", "--execute")
    assert now() == ends
    cli("groups", "reset", group, "--shift-by", "-2", "--execute")
    assert now() == [end - 2 for end in ends]
    cli("groups", "reset", group, "--topic", f"{filled}:1", "--to-offset", "3", "--execute")
    assert now() == [ends[0] - 2, 3, ends[2] - 2]
    cli("groups", "reset", group, "--by-duration", "1h", "--execute")
    assert now() == [0, 0, 0]
    cli("groups", "reset", group, "--to-datetime", "2099-01-01T00:00:00Z", "--execute")
    assert now() == ends
    assert "say where to" in cli("groups", "reset", group, fails=2)
    assert "exclude each other" in cli("groups", "reset", group, "--to-latest", "--to-earliest", fails=2)
    assert "no offsets" in cli("groups", "reset", "new-" + group, "--to-latest", fails=1)


# --- finding the running weir, and help ---


def test_the_running_weir_is_found_without_an_address(weir):
    def run(*words, text=""):
        return subprocess.run([WEIR, *words, "--at", weir.at["console"]], input=text, capture_output=True, text=True, timeout=60)

    assert run("topics", "create", "found").returncode == 0
    assert run("produce", "found", text="a\n").stderr == "1 record written to found\n"
    assert ["found", "1", "1"] == rows(run("topics").stdout)[-1][:3] and int(rows(run("topics").stdout)[-1][3]) > 60
    assert run("groups").stdout == "(none)\n" and run("groups", "--json").stdout == "[]\n"


def on_a_terminal(columns, *words):
    """What a command writes to a terminal of so many columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen([WEIR, *words], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    said = b""
    while True:
        try:
            said += os.read(master, 65536)
        except OSError:  # the terminal was closed
            break
    os.close(master)
    assert process.wait(60) == 0
    return said.decode().splitlines()


@pytest.mark.parametrize("columns", [60, 100])
def test_tables_fit_a_terminal_and_only_there_long_names_are_cut(cli, topic, at, columns):
    name = topic + "-" + "x" * 200
    cli("topics", "create", name)
    lines = on_a_terminal(columns, "topics", "--brokers", at)
    assert max(map(len, lines)) == columns and any("…" in line for line in lines)
    assert len({len(line) for line in lines}) == 1 or all(len(line) <= columns for line in lines)
    assert name in cli("topics") and name in cli("topics", "--json")
    cli("topics", "delete", name)


def test_settings_that_were_not_named_are_left_alone(weir, topic):
    """Two that alter one topic do not undo each other: only what was said is sent."""
    def run(*words):
        done = subprocess.run([WEIR, *words, "--dir", weir.data_dir.parent / "project"], capture_output=True, text=True,
                              timeout=60, env={**os.environ, "WEIR_DATA_DIR": str(weir.data_dir)})
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("topics", "create", topic, "--config", "retention.ms=1000")
    alterations = [subprocess.Popen([WEIR, "topics", "alter", topic, "--config", setting, "--dir",
                                     weir.data_dir.parent / "project"], stdout=subprocess.DEVNULL,
                                    env={**os.environ, "WEIR_DATA_DIR": str(weir.data_dir)})
                   for setting in ("max.message.bytes=2000", "segment.ms=5000", "min.compaction.lag.ms=7", "segment.bytes=1048576")]
    assert [process.wait(60) for process in alterations] == [0, 0, 0, 0]
    run("topics", "alter", topic, "--reset", "retention.ms", "--config", "flush.ms=9")
    described = run("topics", "describe", topic)
    for setting in ("max.message.bytes", "segment.ms", "min.compaction.lag.ms", "segment.bytes", "flush.ms"):
        assert setting in described
    assert "retention.ms" not in described


def test_who_must_sign_in_says_who_he_is(start_weir, tmp_path, topic):
    (tmp_path / "secured").mkdir()
    (tmp_path / "secured" / "weir.yaml").write_text(
        "kafka:\n  listeners:\n    sasl: {listen: 127.0.0.1:0, security: sasl_plaintext}\n"
        "  users: [{name: ann, password_env: ANN_PASSWORD}]\n")
    os.environ["ANN_PASSWORD"] = "ann-secret"
    from conftest import Weir
    weir = Weir(tmp_path / "secured", tmp_path / "data")
    weir.parts = ("cql", "console", "people")
    weir.start()
    try:
        def run(password, *words):
            return subprocess.run([WEIR, "topics", *words], capture_output=True, text=True, timeout=60, start_new_session=True,
                                  env={**os.environ, "WEIR_PASSWORD": password} if password else os.environ)

        at = ("--brokers", weir.at["kafka"], "--user", "ann")
        assert run("ann-secret", "create", topic, *at).returncode == 0
        assert topic in run("ann-secret", "list", *at).stdout
        assert "Authentication failed" in run("wrong", "list", *at).stderr
        assert "there is no terminal to ask for a password on" in run(None, "list", *at).stderr
        assert "--user needs --brokers" in run("x", "list", "--user", "ann", "--at", weir.at["console"]).stderr
    finally:
        weir.stop()


@pytest.mark.parametrize("command", ["topics", "groups", "produce", "consume"])
def test_help_is_told(command):
    help_ = subprocess.run([WEIR, command, "--help"], capture_output=True, text=True, timeout=60)
    assert help_.returncode == 0 and help_.stdout.startswith(f"usage: weir {command}")
    assert re.search(r"--brokers LIST +host:port", help_.stdout)
