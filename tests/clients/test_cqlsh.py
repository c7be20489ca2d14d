"""PyPI cqlsh, unmodified."""
import csv
import pathlib
import subprocess
import sys

import pytest

CQLSH = pathlib.Path(sys.executable).parent / "cqlsh"
KEYSPACE = "CREATE KEYSPACE IF NOT EXISTS sh WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'}"
TABLE = """CREATE TABLE IF NOT EXISTS sh.people (id uuid, seen timestamp, name text, tags set<text>, score decimal,
           PRIMARY KEY (id, seen)) WITH CLUSTERING ORDER BY (seen DESC) AND comment = 'it''s people'"""


@pytest.fixture(scope="module")
def cqlsh(weir, tmp_path_factory):
    host, port = weir.at["cql"].rsplit(":", 1)
    settings = tmp_path_factory.mktemp("cqlsh") / "cqlshrc"
    settings.write_text("[tracing]\nmax_trace_wait = 60\n")  # of its own 10 s

    def run(text, *options, fails=False):
        done = subprocess.run([CQLSH, host, port, f"--cqlshrc={settings}", "--connect-timeout=60", "--request-timeout=60", *options,
                               "-e", text], capture_output=True, text=True, timeout=180)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    run(f"{KEYSPACE}; {TABLE}")
    yield run
    run("DROP KEYSPACE sh")


def test_show_version_names_protocol_4(cqlsh):
    assert "Native protocol v4" in cqlsh("SHOW VERSION")


def test_describe_lists_and_clusters(cqlsh):
    assert "sh" in cqlsh("DESCRIBE KEYSPACES").split()
    assert "people" in cqlsh("DESCRIBE TABLES").split()
    assert "people" in cqlsh("USE sh; DESCRIBE TABLES").split()
    out = cqlsh("DESCRIBE CLUSTER")
    assert "Cluster: weir" in out and "Partitioner: Murmur3Partitioner" in out
    assert "Range ownership" in cqlsh("USE sh; DESCRIBE CLUSTER")


def test_describe_gives_statements_that_make_the_same_table_again(cqlsh, tmp_path):
    first = cqlsh("DESCRIBE KEYSPACE sh")
    assert "CREATE KEYSPACE sh WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'}" in first
    assert "WITH CLUSTERING ORDER BY (seen DESC)" in first and "comment = 'it''s people'" in first
    script = tmp_path / "schema.cql"
    script.write_text(first)
    cqlsh("DROP KEYSPACE sh")
    cqlsh(f"SOURCE '{script}'")
    assert cqlsh("DESCRIBE KEYSPACE sh") == first
    assert cqlsh("DESCRIBE TABLE sh.people").strip() in first


def test_describe_of_nothing_fails(cqlsh):
    assert "'nope' not found in keyspaces" in cqlsh("DESCRIBE KEYSPACE nope", fails=True)
    assert "Table 'nope' not found in keyspace 'sh'" in cqlsh("DESCRIBE TABLE sh.nope", fails=True)


def test_rows_are_printed(cqlsh):
    cqlsh("INSERT INTO sh.people (id, seen, name, tags, score) VALUES "
          "(50554d6e-29bb-11e5-b345-feff819cdc9f, '2020-01-01 10:11:12.123+0000', 'Ann', {'x', 'y'}, 1.10)")
    out = cqlsh("SELECT * FROM sh.people")
    assert "2020-01-01 10:11:12.123000+0000" in out and "{'x', 'y'}" in out and "1.10" in out and "(1 rows)" in out
    out = cqlsh("EXPAND ON; SELECT * FROM sh.people")
    assert "@ Row 1" in out and "name  | Ann" in out
    assert "Tracing session" in cqlsh("TRACING ON; SELECT name FROM sh.people")


def test_errors_reach_the_person(cqlsh):
    assert "no viable alternative at input 'SELEC'" in cqlsh("SELEC 1", fails=True)
    assert "table nope does not exist" in cqlsh("SELECT * FROM sh.nope", fails=True)


def test_list_roles(cqlsh):
    assert "cassandra" in cqlsh("LIST ROLES")


def test_copy_from_and_to_keep_every_row(cqlsh, tmp_path):
    rows = [[str(i), f"name, {i}", "" if i % 3 == 0 else f"[{i}, {i + 1}]"] for i in range(2000)]
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    with open(source, "w", newline="") as file:
        csv.writer(file).writerows([["id", "name", "numbers"], *rows])
    cqlsh("CREATE TABLE sh.copied (id int PRIMARY KEY, name text, numbers list<int>)")
    out = cqlsh(f"COPY sh.copied (id, name, numbers) FROM '{source}' WITH HEADER=TRUE AND NUMPROCESSES=1")
    assert "2000 rows imported" in out
    out = cqlsh(f"COPY sh.copied (id, name, numbers) TO '{target}' WITH HEADER=TRUE AND NUMPROCESSES=1 AND PAGETIMEOUT=60")
    assert "2000 rows exported" in out
    with open(target, newline="") as file:
        got = list(csv.reader(file))
    assert got[0] == ["id", "name", "numbers"]
    assert sorted(got[1:], key=lambda row: int(row[0])) == rows
