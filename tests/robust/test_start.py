"""What stops weir from starting: one clear line per mistake, the exit code of DESIGN.md, nothing left behind."""
import os
import re
import socket
import subprocess

import pytest

from conftest import ROOT, WEIR
from raw import assert_well

PARTS = ("kafka", "cql", "console", "people")


def run(*words, env=None):
    done = subprocess.run([str(WEIR), *map(str, words)], capture_output=True, text=True, timeout=60, cwd=ROOT,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
    return done.returncode, done.stdout, done.stderr


def up(project, data, *settings, **listen):
    """weir up on free ports, except those given."""
    sets = [f"data_dir={data}", *settings] + [f"{part}.listen={listen.get(part, '127.0.0.1:0')}" for part in PARTS]
    return run("up", project, *(word for setting in sets for word in ("--set", setting)))


def one_line(err):
    """What is said beside the log."""
    lines = [line for line in err.splitlines() if not line.startswith("time=")]
    assert len(lines) == 1, err
    return lines[0]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_in_use_is_named(tmp_path, empty_project, part, host):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        taken.bind((host, 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = up(empty_project, tmp_path / "data", **{part: f"127.0.0.1:{port}"})
    assert code == 1 and f"port {port}" in one_line(err) and "in use" in err, err
    assert "ready" not in out


def test_an_address_of_another_machine_is_refused(tmp_path, empty_project):
    code, _, err = up(empty_project, tmp_path / "data", "kafka.allow_anonymous=true", kafka="192.0.2.1:0")
    assert code == 1 and "192.0.2.1" in one_line(err)


@pytest.mark.parametrize("data", ["/proc/weir", "/dev/null/weir", "file in the way"])
def test_a_data_directory_that_cannot_be_made_is_named(tmp_path, empty_project, data):
    if " " in data:
        (tmp_path / data).write_text("I am a file")
        data = str(tmp_path / data)
    code, _, err = up(empty_project, data)
    assert code == 1 and data in one_line(err), err


@pytest.mark.parametrize("part", ["kafka", "tables", "scheduler"])
def test_a_file_in_the_way_inside_the_data_directory_is_named(tmp_path, empty_project, part):
    data = tmp_path / "data"
    data.mkdir()
    (data / part).write_text("I am a file")
    code, _, err = up(empty_project, data)
    assert code == 1 and f"{data}/{part}" in one_line(err), err


def test_a_data_directory_held_by_another_weir_names_its_pid(start_weir, empty_project):
    weir = start_weir(empty_project)
    code, _, err = up(empty_project, weir.data_dir)
    assert code == 1 and str(weir.process.pid) in one_line(err) and str(weir.data_dir) in err, err
    assert_well(weir, "after the other was refused")


def project_of(tmp_path, **files):
    project = tmp_path / "project"
    for name, text in files.items():
        path = project / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return project


BAD = {
    "weir.yaml": "data_dir: here\nkafka: {listen: nowhere, colour: red}\nmemory: lots\ndurability: maybe\n",
    "dags/bad.yaml": "one:\n  schedule: '@sometimes'\n  start_date: 2024-13-45\n  tasks:\n    a: {type: magic}\n    b: {type: bash}\n",
    "streams/bad.yaml": "name: bad\nsource: {topic: t}\nsql: SELEC 1\nsink: {keyspace: k}\n",
    "tables/bad.cql": "CREATE TABEL a.b (c int PRIMARY KEY);\n",
    "boards/bad.yaml": "title: Bad\npanels:\n  - {title: A, kind: pie, cql: \"SELECT 1\"}\n",
}


@pytest.fixture
def bad_project(tmp_path):
    project = tmp_path / "project"
    for name, text in BAD.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return project


@pytest.mark.parametrize("command", ["up", "check"])
def test_all_mistakes_of_all_files_are_told_at_once_with_their_place(tmp_path, bad_project, command):
    words = (command, bad_project, "--set", f"data_dir={tmp_path}/data")
    code, out, err = run(*words)
    told = (err if command == "up" else out).splitlines()
    assert code == 1
    for name in BAD:
        places = [line for line in told if re.match(rf"{re.escape(str(bad_project))}/{name}:\d+:\d+: .+", line)]
        assert places, f"nothing about {name}:\n" + "\n".join(told)
    weir_yaml = "\n".join(line for line in told if "weir.yaml" in line)
    for word in ("nowhere", "colour", "lots", "maybe"):
        assert word in weir_yaml, f"{word} is not told:\n{weir_yaml}"
    assert not (tmp_path / "data").exists(), "a data directory was made"
    assert not (bad_project / "here").exists(), "a data directory was made"


@pytest.mark.parametrize("text", ["a: [", "\t- x", "a: b: c", "\0\1\2", "&a [*a]", "- " * 20000, "[" * 20000, "? " * 9000,
                                  "a: &a [x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]", "\ufeffkafka: 5", "x" * 1000000],
                         ids=lambda text: repr(text[:12]))
@pytest.mark.parametrize("name", ["weir.yaml", "dags/d.yaml", "streams/s.yaml", "boards/b.yaml"])
def test_a_file_that_is_no_yaml_is_told_not_fatal(tmp_path, name, text):
    path = tmp_path / "project" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    code, out, err = run("check", tmp_path / "project")
    assert code == 1, (code, err[-500:])
    assert name in out, (out + err)[-500:]


@pytest.mark.parametrize("text", ["(" * 50000, "CREATE TABLE", "'", "$$", ";" * 1000 + "x", "\0\xff" * 100,
                                  "CREATE TABLE a.b (c " + "list<" * 30000],
                         ids=lambda text: repr(text[:12]))
def test_a_bad_cql_file_is_told_not_fatal(tmp_path, text):
    (tmp_path / "project/tables").mkdir(parents=True)
    (tmp_path / "project/tables/t.cql").write_text(text)
    code, out, err = run("check", tmp_path / "project")
    assert code == 1 and "t.cql:" in out, (code, (out + err)[-500:])


@pytest.mark.parametrize("words,said", [
    (("fly",), "unknown command 'fly'"), (("up", "--fast"), "--fast"), (("up", "a", "b"), "usage"),
    (("up", "--ready"), "--ready"), (("topics", "fly"), "usage: weir topics"), (("people", "--count", "many"), "--count"), ((), "weir"),
    (("up", "-x"), "-x"), (("sql",), "sql"), (("people", "--rate=-5"), "--rate"), (("version", "please"), "version"),
])
def test_wrong_usage_is_said_and_exits_with_2(words, said):
    code, out, err = run(*words)
    assert code == 2 and said.lower() in err.lower(), (code, err)
    assert out == ""


@pytest.mark.parametrize("setting", ["kafka.listen", "kafka.listen=", "kafka.listen=host", "kafka.listen=h:99999", "fly=1",
                                     "memory=-5", "memory=5XB", "memory=99999999999999999999GB", "durability=never"])
def test_a_wrong_setting_is_one_mistake_and_starts_nothing(tmp_path, empty_project, setting):
    code, _, err = run("up", empty_project, "--set", f"data_dir={tmp_path}/data", "--set", setting)
    lines = err.splitlines()
    assert code in (1, 2) and len(lines) <= 2 and setting.split("=")[0] in lines[0], err
    assert not (tmp_path / "data").exists()


def test_a_wrong_setting_in_the_environment_is_named(tmp_path, empty_project):
    code, _, err = run("up", empty_project, "--set", f"data_dir={tmp_path}/data", env={"WEIR_MEMORY": "lots"})
    assert code == 1 and "WEIR_MEMORY" in err and "lots" in err, err


def test_a_project_that_is_not_there_is_named(tmp_path):
    for command in ("up", "check"):
        code, _, err = run(command, tmp_path / "nothing")
        assert code == 1 and str(tmp_path / "nothing") in one_line(err)


def test_a_command_without_a_running_weir_says_so(tmp_path):
    code, _, err = run("topics", "list", "--at", "127.0.0.1:1")
    assert code == 1 and "127.0.0.1:1" in one_line(err), err
