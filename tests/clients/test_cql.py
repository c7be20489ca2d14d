"""The Python Cassandra driver, unmodified, against weir's CQL listener."""
import datetime
import decimal
import ipaddress
import math
import time
import uuid

import pytest
from cassandra import AlreadyExists, ConsistencyLevel, InvalidRequest, Unauthorized
from cassandra.cluster import Cluster
from cassandra.protocol import SyntaxException
from cassandra.query import BatchStatement, BatchType, SimpleStatement, UNSET_VALUE
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.util import Date, Duration, Time, uuid_from_time

from conftest import wait_for

PATIENCE = 60  # the driver's own, 2 to 10 s, are too short for a machine that pauses


def connect(weir, **options):
    host, port = weir.at["cql"].rsplit(":", 1)
    cluster = Cluster([host], port=int(port), connect_timeout=PATIENCE, control_connection_timeout=PATIENCE,
                      max_schema_agreement_wait=PATIENCE, **options)
    session = cluster.connect()
    session.default_timeout = PATIENCE
    return cluster, session


@pytest.fixture(scope="module")
def cluster_and_session(weir):
    cluster, session = connect(weir)
    session.execute("CREATE KEYSPACE IF NOT EXISTS drv WITH replication = "
                    "{'class': 'SimpleStrategy', 'replication_factor': 1}")
    yield cluster, session
    session.execute("DROP KEYSPACE drv")
    cluster.shutdown()


@pytest.fixture
def cluster(cluster_and_session):
    return cluster_and_session[0]


@pytest.fixture
def session(cluster_and_session):
    session = cluster_and_session[1]
    session.set_keyspace("drv")
    return session


@pytest.fixture
def table(session, request):
    """A name for a table of its own, dropped afterwards."""
    name = "t" + uuid.uuid4().hex[:12]
    yield name
    session.execute(f"DROP TABLE IF EXISTS drv.{name}")


def test_the_driver_settles_on_version_4_and_reads_the_schema(cluster, session):
    assert cluster.protocol_version == 4
    assert cluster.metadata.cluster_name == "weir"
    assert cluster.metadata.partitioner == "org.apache.cassandra.dht.Murmur3Partitioner"
    assert cluster.metadata.token_map is not None
    assert {"system", "system_schema", "drv"} <= set(cluster.metadata.keyspaces)
    local = session.execute("SELECT * FROM system.local WHERE key = 'local'").one()
    assert local.release_version == "5.0.0" and local.tokens and local.host_id


SCALARS = {
    "ascii": "plain", "bigint": -2 ** 63, "blob": b"\x00\xff", "boolean": True,
    "date": Date(datetime.date(2020, 2, 29)), "decimal": decimal.Decimal("-1.10"), "double": 1.5e300,
    "duration": Duration(14, 3, 14706000000000), "float": 0.5, "inet": "2001:db8::1", "int": -2 ** 31,
    "smallint": 2 ** 15 - 1, "text": "añb€😀", "time": Time("12:34:56.123456789"),
    "timestamp": datetime.datetime(2020, 1, 1, 10, 11, 12, 123000), "timeuuid": uuid_from_time(1.5e9),
    "tinyint": -128, "uuid": uuid.UUID(int=2 ** 100), "varchar": "", "varint": -10 ** 40,
}
COLLECTIONS = {
    "list<int>": [3, 1, 2, 1], "set<text>": {"b", "a"}, "map<text, int>": {"k": 1, "j": 2},
    "frozen<list<text>>": ["x", "y"], "map<int, frozen<set<int>>>": {5: {2, 1}},
    "tuple<int, text>": (7, "seven"), "frozen<map<text, frozen<list<int>>>>": {"a": [1, 2], "b": []},
}


def plain(value):
    if isinstance(value, dict) or hasattr(value, "items"):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (set, frozenset)) or type(value).__name__ == "SortedSet":
        return set(value)
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


@pytest.mark.parametrize("cql_type", list(SCALARS) + list(COLLECTIONS))
def test_a_value_of_each_type_comes_back_as_it_went_in(session, table, cql_type):
    value = SCALARS.get(cql_type, COLLECTIONS.get(cql_type))
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v {cql_type})")
    insert = session.prepare(f"INSERT INTO {table} (k, v) VALUES (?, ?)")
    select = session.prepare(f"SELECT v FROM {table} WHERE k = ?")
    session.execute(insert, (1, value))
    assert plain(session.execute(select, (1,)).one().v) == value
    session.execute(insert, (1, None))
    assert session.execute(select, (1,)).one().v is None


def test_special_doubles_survive(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v double)")
    session.execute(f"INSERT INTO {table} (k, v) VALUES (1, NaN)")
    session.execute(f"INSERT INTO {table} (k, v) VALUES (2, -Infinity)")
    rows = {r.k: r.v for r in session.execute(f"SELECT * FROM {table}")}
    assert math.isnan(rows[1]) and rows[2] == -math.inf


def test_paging_gives_every_row_once_and_no_page_is_empty(session, table):
    session.execute(f"CREATE TABLE {table} (p int, c int, v text, PRIMARY KEY (p, c))")
    insert = session.prepare(f"INSERT INTO {table} (p, c, v) VALUES (?, ?, ?)")
    results = execute_concurrent_with_args(session, insert, [(i % 7, i, f"v{i}") for i in range(6000)],
                                           concurrency=100)
    assert all(ok for ok, _ in results)
    for text in (f"SELECT * FROM {table}", f"SELECT * FROM {table} WHERE p IN (0, 1, 2, 3, 4, 5, 6)"):
        result = session.execute(SimpleStatement(text, fetch_size=701))
        seen, pages = [], 0
        while True:
            page = list(result.current_rows)
            assert page
            seen += [row.c for row in page]
            pages += 1
            if not result.has_more_pages:
                break
            result.fetch_next_page()
        assert sorted(seen) == list(range(6000)) and pages == 9
    one = session.execute(SimpleStatement(f"SELECT c FROM {table} WHERE p = 3", fetch_size=100))
    assert [row.c for row in one] == [i for i in range(6000) if i % 7 == 3]
    assert session.execute(f"SELECT count(*) FROM {table}").one().count == 6000


def test_clustering_ranges_order_and_limits(session, table):
    session.execute(f"CREATE TABLE {table} (p int, a int, b text, v int, PRIMARY KEY (p, a, b)) "
                    "WITH CLUSTERING ORDER BY (a DESC, b ASC)")
    for a in range(5):
        for b in "xyz":
            session.execute(f"INSERT INTO {table} (p, a, b, v) VALUES (1, %s, %s, %s)", (a, b, a * 10))

    def rows(where):
        return [(r.a, r.b) for r in session.execute(f"SELECT * FROM {table} WHERE {where}")]

    assert rows("p = 1")[:4] == [(4, "x"), (4, "y"), (4, "z"), (3, "x")]
    assert rows("p = 1 AND a = 2 AND b > 'x'") == [(2, "y"), (2, "z")]
    assert rows("p = 1 AND a >= 3 AND a < 4") == [(3, "x"), (3, "y"), (3, "z")]
    assert rows("p = 1 AND (a, b) IN ((1, 'y'), (4, 'z'))") == [(4, "z"), (1, "y")]
    assert rows("p = 1 ORDER BY a ASC, b DESC LIMIT 2") == [(0, "z"), (0, "y")]
    assert rows("p = 1 PER PARTITION LIMIT 1") == [(4, "x")]
    assert rows("v = 20 ALLOW FILTERING") == [(2, "x"), (2, "y"), (2, "z")]


def test_named_and_positional_values_and_unset(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, a text, b text)")
    session.execute(f"INSERT INTO {table} (k, a, b) VALUES (%(k)s, %(a)s, %(b)s)", {"k": 1, "a": "A", "b": "B"})
    insert = session.prepare(f"INSERT INTO {table} (k, a, b) VALUES (:k, :a, :b)")
    session.execute(insert, {"k": 1, "a": "AA"})
    session.execute(insert, (1, UNSET_VALUE, UNSET_VALUE))
    assert session.execute(f"SELECT a, b FROM {table}").one() == ("AA", "B")


def test_batches_logged_unlogged_and_with_one_timestamp(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v text)")
    insert = session.prepare(f"INSERT INTO {table} (k, v) VALUES (?, ?)")
    for kind in (BatchType.LOGGED, BatchType.UNLOGGED):
        batch = BatchStatement(batch_type=kind)
        for k in range(20):
            batch.add(insert, (k, str(kind)))
        batch.add(SimpleStatement(f"DELETE FROM {table} WHERE k = 99"))
        session.execute(batch)
        rows = list(session.execute(f"SELECT v, writetime(v) AS w FROM {table}"))
        assert [r.v for r in rows] == [str(kind)] * 20 and len({r.w for r in rows}) == 1
    session.execute(f"BEGIN BATCH INSERT INTO {table} (k, v) VALUES (50, 'a'); "
                    f"UPDATE {table} SET v = 'b' WHERE k = 51; DELETE FROM {table} WHERE k = 0 APPLY BATCH")
    assert session.execute(f"SELECT count(*) FROM {table}").one().count == 21


def test_conditional_writes_tell_if_they_applied(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v text)")
    assert session.execute(f"INSERT INTO {table} (k, v) VALUES (1, 'a') IF NOT EXISTS").was_applied
    refused = session.execute(f"INSERT INTO {table} (k, v) VALUES (1, 'b') IF NOT EXISTS")
    assert not refused.was_applied and refused.one() == (False, 1, "a")
    update = session.prepare(f"UPDATE {table} SET v = ? WHERE k = ? IF v = ?")
    assert session.execute(update, ("c", 1, "a")).was_applied
    assert session.execute(update, ("d", 1, "a")).one() == (False, "c")
    assert not session.execute(f"UPDATE {table} SET v = 'x' WHERE k = 2 IF EXISTS").was_applied
    assert session.execute(f"DELETE FROM {table} WHERE k = 1 IF v = 'c'").was_applied


def test_ttl_and_timestamps(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v text)")
    session.execute(f"INSERT INTO {table} (k, v) VALUES (1, 'old') USING TIMESTAMP 1000")
    session.execute(f"INSERT INTO {table} (k, v) VALUES (1, 'older') USING TIMESTAMP 500")
    assert session.execute(f"SELECT v, writetime(v) FROM {table} WHERE k = 1").one() == ("old", 1000)
    began = time.monotonic()
    session.execute(f"INSERT INTO {table} (k, v) VALUES (2, 'x') USING TTL 1000")
    left = session.execute(f"SELECT ttl(v) FROM {table} WHERE k = 2").one()[0]
    assert 998 - (time.monotonic() - began) <= left <= 1000
    session.execute(f"INSERT INTO {table} (k, v) VALUES (3, 'x') USING TTL 1")
    wait_for(lambda: session.execute(f"SELECT * FROM {table} WHERE k = 3").one() is None, "the row to expire")


def test_counters(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, n counter)")
    add = session.prepare(f"UPDATE {table} SET n = n + ? WHERE k = 1")
    for _ in range(10):
        session.execute(add, (3,))
    session.execute(f"UPDATE {table} SET n = n - 5 WHERE k = 1")
    assert session.execute(f"SELECT n FROM {table}").one().n == 25


def test_collections_are_changed_in_parts(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, l list<int>, s set<text>, m map<text, int>)")
    session.execute(f"UPDATE {table} SET l = [1, 2], s = {{'a'}}, m = {{'x': 1}} WHERE k = 1")
    session.execute(f"UPDATE {table} SET l = l + [3], s = s + {{'b'}}, m['y'] = 2 WHERE k = 1")
    session.execute(f"UPDATE {table} SET l = [0] + l, s = s - {{'a'}}, m = m - {{'x'}} WHERE k = 1")
    session.execute(f"UPDATE {table} SET l[1] = 9 WHERE k = 1")
    row = session.execute(f"SELECT l, s, m FROM {table}").one()
    assert row.l == [0, 9, 2, 3] and set(row.s) == {"b"} and dict(row.m) == {"y": 2}


def test_token_ranges_cover_the_ring(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY)")
    insert = session.prepare(f"INSERT INTO {table} (k) VALUES (?)")
    execute_concurrent_with_args(session, insert, [(i,) for i in range(300)])
    select = session.prepare(f"SELECT k, token(k) FROM {table} WHERE token(k) > ? AND token(k) <= ? ALLOW FILTERING")
    step, seen, last = 2 ** 62, [], -2 ** 63
    for i in range(4):
        high = -2 ** 63 + (i + 1) * step - (1 if i == 3 else 0)
        rows = list(session.execute(select, (last, high)))
        assert [r[1] for r in rows] == sorted(r[1] for r in rows)
        seen += [r.k for r in rows]
        last = high
    assert sorted(seen) == list(range(300))
    assert session.execute(f"SELECT token(k) FROM {table} WHERE k = 1").one()[0] == -4069959284402364209


def test_the_driver_hears_of_schema_changes(cluster, session, weir):
    other_cluster, other = connect(weir)
    name = "ev" + uuid.uuid4().hex[:8]
    other.execute(f"CREATE TABLE drv.{name} (k int PRIMARY KEY)")
    tables = lambda: cluster.metadata.keyspaces["drv"].tables
    wait_for(lambda: name in tables(), "the table to be known")
    other.execute(f"ALTER TABLE drv.{name} ADD v text")
    wait_for(lambda: "v" in tables()[name].columns, "the column to be known")
    other.execute(f"DROP TABLE drv.{name}")
    wait_for(lambda: name not in tables(), "the table to be forgotten")
    other_cluster.shutdown()


def test_statements_prepared_before_an_alter_are_prepared_again(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, a text)")
    select = session.prepare(f"SELECT * FROM {table} WHERE k = ?")
    session.execute(f"INSERT INTO {table} (k, a) VALUES (1, 'a')")
    assert session.execute(select, (1,)).one() == (1, "a")
    session.execute(f"ALTER TABLE {table} ADD b int")
    session.execute(f"UPDATE {table} SET b = 5 WHERE k = 1")
    assert session.execute(select, (1,)).one() == (1, "a", 5)
    session.execute(f"ALTER TABLE {table} DROP a")
    assert session.execute(select, (1,)).one() == (1, 5)


def test_tracing_finds_its_session(session):
    result = session.execute("SELECT * FROM system.local", trace=True)
    trace = result.get_query_trace(PATIENCE)
    assert trace.duration is not None and trace.request_type


ERRORS = [
    ("SELEC", SyntaxException, "line 1:0 no viable alternative at input 'SELEC' ([SELEC])"),
    ("SELECT * FROM drv.nope", InvalidRequest, "table nope does not exist"),
    ("SELECT * FROM nope.nope", InvalidRequest, "keyspace nope does not exist"),
    ("CREATE KEYSPACE drv WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}", AlreadyExists, "drv"),
    ("DROP KEYSPACE system", Unauthorized, "system keyspace is not user-modifiable."),
    ("CREATE INDEX ON drv.t (a)", InvalidRequest, "CREATE INDEX is not supported"),
    ("USE nope", InvalidRequest, "Keyspace 'nope' does not exist"),
]


@pytest.mark.parametrize("text, kind, words", ERRORS)
def test_bad_statements_have_the_right_code_and_words(session, text, kind, words):
    with pytest.raises(kind) as failure:
        session.execute(text)
    assert words in str(failure.value)


def test_bad_values_are_refused(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v int)")
    with pytest.raises(InvalidRequest, match="Expected 4 or 0 byte int"):
        insert = session.prepare(f"INSERT INTO {table} (k, v) VALUES (?, ?)")
        bound = insert.bind((1, 2))
        bound.values[1] = b"\x01\x02\x03"
        session.execute(bound)
    with pytest.raises(InvalidRequest, match="null"):
        session.execute(insert, (None, 1))


@pytest.mark.parametrize("compression", ["lz4", "snappy"])
def test_compressed_connections(weir, compression):
    pytest.importorskip({"lz4": "lz4", "snappy": "snappy"}[compression])
    cluster, session = connect(weir, compression=compression)
    rows = list(session.execute("SELECT * FROM system_schema.columns"))
    assert len(rows) > 100
    text = "x" * 5000
    assert session.execute("SELECT key FROM system.local WHERE key = %s", (text,)).one() is None
    cluster.shutdown()


def test_every_consistency_level_is_one_copy(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY)")
    for level in (ConsistencyLevel.ONE, ConsistencyLevel.QUORUM, ConsistencyLevel.LOCAL_QUORUM, ConsistencyLevel.ALL):
        session.execute(SimpleStatement(f"INSERT INTO {table} (k) VALUES (1)", consistency_level=level))
        assert session.execute(SimpleStatement(f"SELECT * FROM {table}", consistency_level=level)).one().k == 1


def test_a_restarted_server_is_found_again_and_statements_are_prepared_anew(start_weir, empty_project):
    weir = start_weir(empty_project, name="restart")
    cluster, session = connect(weir)
    session.execute("CREATE KEYSPACE r WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    session.execute("CREATE TABLE r.t (k int PRIMARY KEY, v text)")
    insert = session.prepare("INSERT INTO r.t (k, v) VALUES (?, ?)")
    for k in range(50):
        session.execute(insert, (k, "before"))
    host_id = session.execute("SELECT host_id FROM system.local").one().host_id
    weir.kill()
    weir.start()

    def works():
        try:
            session.execute(insert, (1000, "after"))
            return [session.execute(f"SELECT {what}").one()[0] for what in ("count(*) FROM r.t", "host_id FROM system.local")]
        except Exception:  # the pool is still reconnecting
            time.sleep(0.05)
            return False

    assert wait_for(works, "the driver to reconnect") == [51, host_id]
    cluster.shutdown()
